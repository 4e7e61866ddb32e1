"""How procedural drawings are made: shapes, a hand that draws them, and simplification."""
