"""Choice of the recipe of the independence test, on training copulas alone.

Rule, written before any result was looked at: highest mean power at level .05
over n = 50, 100, 200 on the 480 training structures x 50 samples of
`training_copulas`; among candidates within one standard error (of the paired
difference over the 480 structures) of the best, the simplest (fewest groups, then
fewest observables); the choice is confirmed if on the 240 validation structures
its mean power is above that of the nine-group recipe F9 by more than two standard
errors. No published benchmark is looked at while choosing.
"""
