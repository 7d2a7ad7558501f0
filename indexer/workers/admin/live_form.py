"""The form that changes a live setting: its field is what the setting's declaration asks for."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from indexer.workers.live import LiveError, LiveSetting, Value
from indexer.workers.live_changes import LONGEST_WHY

SWITCH = (("on", "on"), ("off", "off"))


class LiveForm(forms.Form):
    """`value` as a text that the setting has understood; `why` where the value makes workers rest."""

    value = forms.CharField(required=False)
    why = forms.CharField(
        required=False,
        max_length=LONGEST_WHY,
        label="Why",
        help_text="Others will read it here and beside the workers. Needed where workers are to rest.",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, setting: LiveSetting, value: Value) -> None:
        """`value` is what the form shows at first."""
        super().__init__(data, initial={"value": setting.write(value)})
        self.setting = setting
        field = self.fields["value"]
        field.help_text = f"{setting.wanted[:1].upper()}{setting.wanted[1:]}."
        choices = SWITCH if setting.type is bool else tuple((choice, choice) for choice in setting.choices)
        field.widget = (
            UnfoldAdminSelectWidget(choices=choices)
            if choices
            else UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"})
        )

    def clean_value(self) -> Value:
        try:
            return self.setting.parse(self.cleaned_data["value"])
        except LiveError as error:
            raise forms.ValidationError(f"{error}.") from None

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if "value" in found and self.setting.needs_reason(found["value"]) and not found.get("why"):
            self.add_error("why", "This makes workers rest: say why.")
        return found
