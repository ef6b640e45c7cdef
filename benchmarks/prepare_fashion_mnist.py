"""How does TFDS' own `fashion_mnist` come to a machine without a network? From the files of a Debian package.

    python benchmarks/prepare_fashion_mnist.py [DATA_DIR]

Debian's package `dataset-fashion-mnist` installs the four original files (compressed anew) under
/usr/share/datasets/fashion-mnist. They are put into a passing folder as TFDS keeps its downloads, with the note that it
writes beside each, and TFDS' builder does the rest: 60,000 and 10,000 images in DATA_DIR/fashion_mnist/3.0.1, in 20 to
60 seconds. DATA_DIR is where the source `tfds` looks by default: $TFDS_DATA_DIR, else ~/tensorflow_datasets.

Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", arXiv:1708.07747 (MIT license).
"""

import argparse
import gzip
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tuner.data.sources.tfds import default_data_dir, prepared_folder

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
NAME = "fashion_mnist"
HEADERS = {  # the first bytes of each file once it is unpacked: IDX magic, count, and for images 28 x 28
    "train-images-idx3-ubyte.gz": bytes.fromhex("00000803 0000ea60 0000001c 0000001c"),
    "train-labels-idx1-ubyte.gz": bytes.fromhex("00000801 0000ea60"),
    "t10k-images-idx3-ubyte.gz": bytes.fromhex("00000803 00002710 0000001c 0000001c"),
    "t10k-labels-idx1-ubyte.gz": bytes.fromhex("00000801 00002710"),
}


def prepare(data_dir: Path, files: Path = DEBIAN) -> Path:
    """Prepare Fashion-MNIST under `data_dir` without a network; returns its folder. Does nothing where it is prepared.

    Raises `FileNotFoundError` if the package is not installed, `ValueError` if a file is not what its name says.
    """
    if folder := prepared_folder(data_dir, NAME):
        return folder
    check(files)
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    builder = tfds.builder(NAME, data_dir=str(data_dir))
    with tempfile.TemporaryDirectory() as downloads:
        for url, info in builder.url_infos.items():
            place(builder, downloads, url, info, files / info.filename)
        builder.download_and_prepare(download_dir=downloads)
    return Path(builder.data_dir)


def check(files: Path) -> None:
    """All four files are there, unpack whole (gzip has a checksum) and begin as they should."""
    for name, header in HEADERS.items():
        if not (files / name).is_file():
            raise FileNotFoundError(f"{files / name} is missing: apt-get install dataset-fashion-mnist")
        with gzip.open(files / name) as file:
            start = file.read(len(header))
            while file.read(1 << 20):
                continue
        if start != header:
            raise ValueError(f"{files / name} is not Fashion-MNIST: it begins with {start.hex(' ', 4)}")


def place(builder: Any, downloads: str, url: str, info: Any, file: Path) -> None:
    """Put a file where the download manager looks for what it has already downloaded from `url`."""
    from tensorflow_datasets.core.download import download_manager, resource

    manager = download_manager.DownloadManager(download_dir=downloads, dataset_name=builder.name)
    target = manager._get_dl_path(resource.Resource(url=url), info.checksum)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    resource.write_info_file(
        url=url, path=target, dataset_name=builder.name, original_fname=info.filename, url_info=info
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Prepare TFDS' fashion_mnist offline, from Debian's files.")
    parser.add_argument("data_dir", nargs="?", default=default_data_dir(), metavar="DATA_DIR")
    try:
        folder = prepare(Path(parser.parse_args().data_dir).expanduser())
    except (FileNotFoundError, ValueError) as error:
        print(f"prepare_fashion_mnist: {error}", file=sys.stderr)
        return 1
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
