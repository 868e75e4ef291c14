"""python train.py model=convtranspose kernel=5"""

from colourize.cli.train import train

if __name__ == "__main__":
    train()
