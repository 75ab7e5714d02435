"""Train one direction and pack it: `python build.py es en 1500 OUT_FOLDER`."""

import io
import json
import logging
import random
import sys
import tempfile
import zipfile
from pathlib import Path

import corpus as texts
import model as network
import sentencepiece
import torch
from torch.nn import functional

HERE = Path(__file__).parent
BATCH, PEAK, WARMUP = 160, 4e-3, 150
UNK, BOS, EOS = 0, 1, 2
LOG = logging.getLogger("tiny_argos")


def main(source: str, target: str, steps: int, out: Path) -> None:
    """Train, export, pack."""
    torch.manual_seed(7)
    rng = random.Random(7)  # noqa: S311 - a corpus, not a secret
    corpus = texts.read(HERE / "corpus.txt")
    pieces = _pieces(corpus, rng, source)
    model = network.Transformer(pieces.get_piece_size())
    _train(model, pieces, lambda: texts.pair(corpus, rng, source), steps)
    with tempfile.TemporaryDirectory() as folder:
        names = [pieces.id_to_piece(n) for n in range(pieces.get_piece_size())]
        network.export(model.eval(), names, Path(folder) / "model")
        _pack(Path(folder) / "model", pieces, source, target, out)


def _pieces(corpus: texts.Corpus, rng: random.Random, source: str) -> sentencepiece.SentencePieceProcessor:
    lines = [line for _ in range(20_000) for line in texts.pair(corpus, rng, source)]
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=made,
        vocab_size=420,
        character_coverage=1.0,
        split_digits=True,
        user_defined_symbols=list(texts.PLACEHOLDERS),
        unk_id=UNK,
        bos_id=BOS,
        eos_id=EOS,
        pad_id=network.PAD,
        minloglevel=2,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())


def _train(model: network.Transformer, pieces: sentencepiece.SentencePieceProcessor, pair, steps: int) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, betas=(0.9, 0.98), weight_decay=0.01)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: min((n + 1) / WARMUP, max(0.02, 1 - (n - WARMUP) / max(1, steps - WARMUP)))
    )
    model.train()
    for step in range(steps):
        batch = [pair() for _ in range(BATCH)]
        source = _padded([[*ids, EOS] for ids in pieces.encode([said for said, _ in batch])])
        target = _padded([[BOS, *ids, EOS] for ids in pieces.encode([meant for _, meant in batch])])
        logits = model(source, target[:, :-1])
        loss = functional.cross_entropy(
            logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=network.PAD, label_smoothing=0.05
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rate.step()
        if step % 50 == 0:
            LOG.info("step %d loss %.3f", step, loss.item())


def _padded(rows: list[list[int]]) -> torch.Tensor:
    width = max(map(len, rows))
    return torch.tensor([[*row, *[network.PAD] * (width - len(row))] for row in rows])


def _pack(model: Path, pieces: sentencepiece.SentencePieceProcessor, source: str, target: str, out: Path) -> None:
    name = f"tiny-{source}-{target}"
    metadata = {
        "package_version": "0.0.test",
        "argos_version": "1.9",
        "from_code": source,
        "from_name": f"{source} (test only)",
        "to_code": target,
        "to_name": f"{target} (test only)",
        "type": "translate",
        "test_only": True,
        "description": "For automatic tests only. Never install it for customers: it knows some 70 sentences.",
    }
    with zipfile.ZipFile(out / f"{name}.argosmodel", "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr(f"{name}/metadata.json", json.dumps(metadata, indent=2))
        pack.writestr(f"{name}/sentencepiece.model", pieces.serialized_model_proto())
        for file in sorted(model.iterdir()):
            pack.write(file, f"{name}/model/{file.name}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
