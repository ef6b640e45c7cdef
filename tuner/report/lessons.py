"""What are the seven steps called, and what would a lecturer say about each before showing the picture?

Source: the lecture's "Choosing hyperparameters"; CS231n, neural-networks-3.
"""

from dataclasses import dataclass

from tuner.report.words import name


@dataclass(frozen=True)
class Lesson:
    """A step's place among the seven (0: none of them), its title, question and reason."""

    number: int
    title: str
    question: str
    why: str


LESSONS: dict[str, Lesson] = {
    "data": Lesson(
        0,
        "Look at the data",
        "Are the data what they seem?",
        "No setting repairs a wrong label, a class that is missing from a split, or an image that is in two of them.",
    ),
    "backbones": Lesson(
        0,
        "Rank the backbones",
        "Whose features tell these classes apart?",
        "Each backbone runs over the images once, as it came. How well the best linear head does on its features is"
        " then known in a second, and no rate had to be found for it.",
    ),
    "initial_loss": Lesson(
        1,
        "Check the initial loss",
        "Does an untrained model know nothing?",
        "Before training, every class should look equally likely. A loss far above says that the head is sure"
        " of nonsense; below, that an answer leaks in. Either is cheaper to find now than after a night of "
        "training.",
    ),
    "overfit_small_sample": Lesson(
        2,
        "Overfit a small sample",
        "Can it learn a few images by heart?",
        "A model that cannot learn five batches by heart will not learn thousands of images. If it can learn "
        "blank images too, it is not looking at the pixels.",
    ),
    "learning_rate": Lesson(
        3,
        "Find the learning rate",
        "At which rate does the loss fall steadily?",
        "The learning rate matters more than any other setting. A hundred batches at each of a few rates are "
        "enough to see which ones work.",
    ),
    "short_runs": Lesson(
        4,
        "Make short runs",
        "Which settings near that rate do best in a few epochs?",
        "Many short runs tell more than one long one: bad settings show themselves early.",
    ),
    "learning_curves": Lesson(
        5,
        "Look at the learning curves",
        "What do the curves say?",
        "The shape of the curves names the trouble: a gap that opens, lines that stay high, a loss that "
        "jumps. Each shape has its remedy.",
    ),
    "change": Lesson(
        6,
        "Change, and train longer",
        "Does the remedy help?",
        "Apply what the curves asked for to the best trials, train them longer, and believe only a gain that "
        "is larger than the noise.",
    ),
    "transfer": Lesson(
        0,
        "Choose what trains",
        "What should train besides the head?",
        "The fewer images there are, and the nearer to those that the backbone has seen, the less of it should move."
        " How many there are is counted, how near is measured, and what that advises is tried before it is taken.",
    ),
    "repeat": Lesson(
        7,
        "Repeat until it is good enough",
        "Good enough, or once more?",
        "Go back to step 4 until the target is met, nothing is gained any more, or the time is spent.",
    ),
}


def step_title(step: str) -> Lesson:
    """The lesson of a step; one of an unknown name gets its name as the title."""
    if step in LESSONS:
        return LESSONS[step]
    title = name(step).replace("_", " ")
    return Lesson(0, title[:1].upper() + title[1:], "", "")
