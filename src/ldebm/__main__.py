"""`python -m ldebm` is `ldebm`, as `torchrun -m ldebm` needs it."""

from ldebm.cli import main

if __name__ == "__main__":
    main()
