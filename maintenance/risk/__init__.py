"""风险分级管控: the colour of a hazard by a published matrix, and the score of a unit with its parts."""
