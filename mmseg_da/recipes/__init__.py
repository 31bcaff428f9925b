# SPDX-License-Identifier: Apache-2.0
"""Recipes: the stages of a method, run once and only when needed."""

from .declaration import Recipe, StageSpec, load_recipe, recipe_names
from .folders import open_root
from .plan import Plan, PlannedStage, RunSettings, plan_recipe
from .progress import plan_table
from .publish import record_path
from .runner import RecipeError, run_recipes

__all__ = [
    'Plan',
    'PlannedStage',
    'Recipe',
    'RecipeError',
    'RunSettings',
    'StageSpec',
    'load_recipe',
    'open_root',
    'plan_recipe',
    'plan_table',
    'recipe_names',
    'record_path',
    'run_recipes',
]
