"""What should hold between clinical concepts in one row: proposed for a table that has them, and tried on it first."""

from __future__ import annotations

__all__ = ["ORDERS", "SUMS"]

ORDERS: tuple[tuple[str, str], ...] = (
    ("diastolic_blood_pressure", "systolic_blood_pressure"),
    ("diastolic_blood_pressure", "mean_arterial_pressure"),
    ("mean_arterial_pressure", "systolic_blood_pressure"),
    ("direct_bilirubin", "total_bilirubin"),
    ("albumin", "total_protein"),
    ("hdl_cholesterol", "total_cholesterol"),
    ("ldl_cholesterol", "total_cholesterol"),
    ("neutrophils", "white_blood_cells"),
    ("lymphocytes", "white_blood_cells"),
    ("iron", "tibc"),
    ("admission_date", "discharge_date"),
    ("admission_date", "death_date"),
    ("emergency_arrival", "emergency_departure"),
    ("visit_date", "visit_end_date"),
    ("start_date", "end_date"),
    ("drug_start", "drug_end"),
    ("onset_date", "resolution_date"),
    ("birth_date", "death_date"),
    ("diagnosis_date", "death_date"),
    ("informed_consent_date", "reference_start_date"),
    ("reference_start_date", "reference_end_date"),
    ("enrollment_date", "follow_up_end"),
    ("randomization_date", "follow_up_end"),
    ("age_at_diagnosis", "age_at_death"),
    ("progression_time", "survival_time"),
)
"""The first is never above, or after, the second."""

SUMS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("diastolic_blood_pressure", "pulse_pressure"), "systolic_blood_pressure"),
    (("gcs_eye", "gcs_verbal", "gcs_motor"), "glasgow_coma_scale"),
)
"""The parts add up to the last."""
