"""DailyDialog (Li et al. 2017): dialogues of daily life; an utterance has an act and an emotion, a dialogue a topic."""

from dataclasses import dataclass

from ldebm.data.library import corpus_files
from ldebm.data.lines import lines, place
from ldebm.errors import DataError

PARTS = ("train", "validation", "test")
ACTS = ("inform", "question", "directive", "commissive")  # 1 upwards in the files
EMOTIONS = ("no emotion", "anger", "disgust", "fear", "happiness", "sadness", "surprise")  # 0 upwards
TOPICS = (
    "ordinary life",
    "school life",
    "culture and education",
    "attitude and emotion",
    "relationship",
    "tourism",
    "health",
    "work",
    "politics",
    "finance",
)  # 1 upwards
END = "__eou__"  # of an utterance
COLUMNS = ("text", "act", "emotion", "topic")
_FILES = ("dialogues.txt.gz", "dialogues_act.txt.gz", "dialogues_emotion.txt.gz", "dialogues_topic.txt.gz")


@dataclass(frozen=True)
class Dialogue:
    """Utterances in turn, each with its act and emotion, and what they are about."""

    utterances: tuple[str, ...]
    acts: tuple[str, ...]
    emotions: tuple[str, ...]
    topic: str


def dialogues(part: str) -> list[Dialogue]:
    """The dialogues of "train", "validation" or "test". Raises DataError where the files are not there or disagree."""
    files = corpus_files("dailydialog", f"daily_dialog/{part}", _FILES)
    found = []
    for number, (said, acts, emotions, topic) in enumerate(zip(*map(lines, files), strict=True), start=1):
        dialogue = Dialogue(
            tuple(utterance.strip() for utterance in said.split(END)[:-1]),
            tuple(ACTS[int(act) - 1] for act in acts.split()),
            tuple(EMOTIONS[int(emotion)] for emotion in emotions.split()),
            TOPICS[int(topic) - 1],
        )
        if not len(dialogue.utterances) == len(dialogue.acts) == len(dialogue.emotions):
            raise DataError(
                f"{place(files[0], number)}: {len(dialogue.utterances)} utterances, {len(dialogue.acts)} acts and"
                f" {len(dialogue.emotions)} emotions. Take the files from where they were published again."
            )
        found.append(dialogue)
    return found


def utterances(part: str) -> dict[str, list[str]]:
    """The utterances of a part, one after the other, as columns: text, act, emotion, topic (of its dialogue)."""
    rows = [
        (*utterance, dialogue.topic)
        for dialogue in dialogues(part)
        for utterance in zip(dialogue.utterances, dialogue.acts, dialogue.emotions, strict=True)
    ]
    return {column: list(values) for column, values in zip(COLUMNS, zip(*rows, strict=True), strict=True)}
