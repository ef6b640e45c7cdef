"""A table that is not quite one is read as it was meant, or refused with the line that is wrong and what to do."""

from pathlib import Path

import pytest

from tuner.symptoms.readers import ReadError, read


def file(folder: Path, text: str, name: str = "curves.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


READ_AS_MEANT = {
    "a last line that is still being written": "epoch,loss\n0,3\n1,2\n2,1\n3",
    "rows that R numbered": 'loss acc\n"1" 3 0.1\n"2" 2 0.2\n"3" 1 0.3\n',
    "a separator behind each row": "loss,acc\n3,0.1,\n2,0.2,\n1,0.3,\n",
    "names in a remark, as NumPy writes them": "# loss,acc\n3,0.1\n2,0.2\n1,0.3\n",
    "a second header": "epoch,loss\n0,3\n1,2\nepoch,loss\n0,1\n",
    "several rows an epoch": "epoch,loss\n0,4\n0,2\n1,2\n2,1\n2,1\n",
    "tensors": 'loss,x\n"tensor(3., device=\'cuda:0\')",1\n"tensor(2.)",1\n"tensor(1., grad_fn=<Mean>)",1\n',
    "the same column twice": "loss,loss\n3,3\n2,2\n1,1\n",
    "words in a column of no interest": "loss,remark\n3,start\n2,7\n1,end\n",
    "UTF-16": "",
}


@pytest.mark.parametrize("case", READ_AS_MEANT)
def test_what_was_meant_is_read(case, tmp_path):
    path = file(tmp_path, READ_AS_MEANT[case])
    if case == "UTF-16":
        path.write_text("loss\tacc\n3\t0.1\n2\t0.2\n1\t0.3\n", encoding="utf-16")
    assert read(path).curves.loss == (3.0, 2.0, 1.0)


REFUSED = {
    "": "an empty file; wanted a header",
    "epoch,loss\n": "Found 1 line; wanted a header and one row an epoch",
    "epoch,loss\n0,1,0,9\n1,0,8\n": "curves.csv:2: 4 cells under 2 names; wanted one cell a name. Where decimals",
    "epoch,loss\n0,1\n1,what\n": "curves.csv:3: column 'loss': 'what' is no number",
    "loss,x,loss\n1,2,3\n0,1,2\n": "columns 1 and 3 are both called 'loss' and differ; rename one",
    "loss,age\nx,3\ny,4\n": "Found the columns 'loss', 'age' \\(no numbers in 'loss'\\).*--train",
    "loss\0,x\n1,2": "not a text file \\(a zero byte at 4\\)",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_place_and_the_remedy(text, tmp_path):
    with pytest.raises(ReadError, match=REFUSED[text]):
        read(file(tmp_path, text))


def test_a_pickle_is_never_opened(tmp_path):
    with pytest.raises(ReadError, match=r"runs whatever is in it, so it is not opened\. Save the history as JSON"):
        read(file(tmp_path, "", "history.pkl"))


def test_training_and_validation_in_rows_of_their_own_are_brought_together(tmp_path):
    reading = read(file(tmp_path, "loss,val_loss\n3,\n,6\n2,\n,5\n1,\n,4\n"))
    assert (reading.curves.loss, reading.curves.val_loss) == ((3.0, 2.0, 1.0), (6.0, 5.0, 4.0))
    assert "rows of their own" in reading.notes[0]


def test_a_percent_sign_is_understood(tmp_path):
    assert read(file(tmp_path, "loss,acc\n2,50%\n1,75 %\n")).curves.accuracy == (0.5, 0.75)


def test_one_epoch_of_many_rows_is_not_averaged_away(tmp_path):
    assert len(read(file(tmp_path, "epoch,loss\n" + "0,1\n" * 30)).epochs) == 30


def test_output_of_fit_whose_last_epoch_still_runs_ends_with_the_one_before(tmp_path):
    row = "4/4 - 0s - loss: {} - val_loss: {}\n"
    text = "Epoch 1/9\n" + row.format(3, 4) + "Epoch 2/9\n" + row.format(2, "nan") + "Epoch 3/9\n1/4 - loss: 7\n"
    curves = read(file(tmp_path, text, "train.log")).curves
    assert (curves.loss, curves.val_loss[0], len(curves.val_loss)) == ((3.0, 2.0), 4.0, 2)


def test_json_lines_that_end_in_the_middle_are_read_up_to_there_and_others_refused(tmp_path):
    whole = '{"loss": 3}\n{"loss": 2}\n{"loss": 1}\n'
    assert read(file(tmp_path, whole + '{"los', "a.jsonl")).curves.loss == (3.0, 2.0, 1.0)
    with pytest.raises(ReadError, match=r"a\.jsonl:2:1: not JSON"):
        read(file(tmp_path, '{"loss": 3}\nwhat\n{"loss": 1}\n', "a.jsonl"))


def test_training_and_validation_logged_apart_meet_at_their_steps(tmp_path):
    rows = []
    for step in range(1, 121):
        rows.append(f'{{"step": {step}, "loss": {step}}}')
        if step % 40 == 0:
            rows.append(f'{{"step": {step}, "eval_loss": {step}}}')
    reading = read(file(tmp_path, "\n".join(rows), "log.jsonl"))
    assert reading.curves.val_loss == (40.0, 80.0, 120.0)
    assert reading.curves.loss == (20.5, 60.5, 100.5)  # means of 1 to 40, 41 to 80, 81 to 120
    assert reading.notes == ("'loss' averaged from one point of 'eval_loss' to the next",)
