"""The parts of `docs/make_pictures.py`: one module per thing that is pictured."""
