"""python train.py model=convtranspose kernel=5"""

if __name__ == "__main__":
    from colourize.cli.main import program, train  # here, so that a process that a launcher starts does not import it

    program(train)
