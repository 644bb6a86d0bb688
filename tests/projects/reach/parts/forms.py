from django import forms

from parts.models import Part


class PartForm(forms.ModelForm):
    note = forms.CharField(required=False, initial="none")

    class Meta:
        model = Part
        fields = ["name", "price"]
        help_texts = {"name": "short"}

    def clean_name(self):
        name = self.cleaned_data["name"]
        if name in forbidden():
            raise forms.ValidationError("forbidden")
        return name


def forbidden():
    return {"bad"}
