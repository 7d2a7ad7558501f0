"""Metrics as Prometheus reads them."""

from prometheus_client.parser import text_string_to_metric_families

from tests.processes import read_page

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parse(text: str) -> Samples:
    """By name and sorted labels; a series that is given twice is an error."""
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples, f"{key} twice"
            samples[key] = sample.value
    return samples


def scrape(url: str) -> Samples:
    return parse(read_page(url))


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """One series' value; None where there is none."""
    return samples.get((name, tuple(sorted(labels.items()))))


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum over every series of the name that has these labels among its own."""
    return sum(
        number for (found, has), number in samples.items() if found == name and labels.items() <= dict(has).items()
    )
