"""What columns mean: a closed vocabulary of clinical concepts, as data; imports nothing of this package.

``concepts/*.txt`` hold one concept a line: id, kinds of values, units, plausible limits in the first unit, names. The
limits are what a living patient can have and a laboratory can print, far wider than normal ranges; they are our own
judgement, made to catch mixed units and slips, and no clinical reference. Unit codes are UCUM's. Names are those that
registries, laboratory systems and the exports of OMOP CDM, FHIR, SDTM/ADaM, MIMIC, eICU and REDCap use, and the words
for them in English, German, French, Spanish, Italian, Portuguese and Dutch.
"""

from .vocabulary import CONCEPTS, Concept, Unit, normalise_name

__all__ = ["CONCEPTS", "Concept", "Unit", "normalise_name"]
