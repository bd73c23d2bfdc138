"""`python -m epbook.data`: download the full MNIST once, for figures on 10,000 test images."""

from epbook.data.idx import download_mnist

if __name__ == "__main__":
    print(f"MNIST is in {download_mnist(progress=True)}")
