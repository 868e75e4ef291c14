"""python train.py model=convtranspose kernel=5"""

from colourize.cli.main import train

if __name__ == "__main__":
    train()
