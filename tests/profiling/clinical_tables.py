"""Small tables in the shapes that clinical data come in, made up here, with what a careful reader says of each column.

Each column maps to the kinds that count as right, with ``!`` at the end where it is a direct identifier under
45 CFR 164.514(b)(2)(i) taken at face value.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import pyarrow as pa

Truth = dict[str, str]
Made = tuple[pa.Table, Truth]


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words(
    "Anna Ben Clara David Emma Felix Greta Hans Ida Jonas Karin Lars Maria Nina Oskar Paula Quentin Rosa Stefan "
    "Tina Ulrich Vera Walter Xenia Yusuf Zoe Amelie Bruno Carla Diego Elena Farid Gloria Hugo Ines Jamal Keiko "
    "Liam Mei Nadia"
)
LAST = _words(
    "Abbott Bauer Castillo Dubois Eriksen Fischer Gonzalez Huang Ivanov Jensen Keller Lopez Martin Nguyen Okafor "
    "Perez Quinn Richter Sanchez Tanaka Ulmann Vargas Weber Xu Young Zimmermann Archer Brandt Costa Dietrich "
    "Evans Ferrari Greene Hoffmann Ishikawa Jackson Kowalski Larsen Mueller Novak"
)
TOWN = _words(
    "Springfield Riverton Oakdale Fairview Lakewood Georgetown Ashland Dover Milton Clayton Salem Burlington "
    "Franklin Greenville Bristol Clinton Madison Arlington Newport Kingston Hudson Dayton Auburn Lexington "
    "Winchester Oxford"
)
STREET = _words("Maple Oak Cedar Elm Washington Lake Hill Park Pine Walnut Spring North Ridge Church Willow Mill")
DRUG = _words(
    "Aspirin Metoprolol Atorvastatin Metformin Heparin Furosemide Lisinopril Amlodipine Omeprazole Insulin "
    "Warfarin Prednisone Vancomycin Ceftriaxone Morphine Acetaminophen Potassium Chloride Simvastatin Digoxin "
    "Ramipril"
)


ICD9 = _words(
    "4019 25000 V5869 41401 486 5849 42731 E8889 2724 311 4280 V4582 2859 5990 78650 496 7802 V1582 53081 2449 "
    "71590 5853"
)
HCPCS = _words(
    "99213 99214 G0008 85025 36415 80053 93000 71020 J1885 99285 97110 A0425 83036 84443 90471 81001 99232 99223 "
    "85610 80061 88305 Q2037 93010"
)
DRG = _words("470 871 392 291 690 247 313 194 885 603 641 378 683 765 795")
ICD10 = [
    "I21.0",
    "J18.9",
    "C50.4",
    "E11.9",
    "K80.2",
    "S72.0",
    "N39.0",
    "F32.1",
    "I50.1",
    "M16.1",
    "A41.9",
    "G45.9",
    "R55",
    "Z51.1",
    "I63.4",
    "J44.1",
    "K35.8",
    "I48.0",
]


def _date(rng: random.Random, first: int, last: int) -> datetime:
    return datetime(first, 1, 1) + timedelta(days=rng.randrange((last - first) * 365), seconds=rng.randrange(86400))


def _repeat(values: list[object], rng: random.Random, low: int, high: int) -> list[object]:
    return [value for value in values for _ in range(rng.randint(low, high))]


def omop_person() -> Made:
    rng = random.Random(1)
    n = 400
    born = [rng.randint(1932, 2004) for _ in range(n)]
    table = {
        "person_id": [str(i + 1) for i in range(n)],
        "gender_concept_id": [rng.choice(("8507", "8532")) for _ in range(n)],
        "year_of_birth": [str(y) for y in born],
        "month_of_birth": [str(rng.randint(1, 12)) for _ in range(n)],
        "day_of_birth": [str(rng.randint(1, 28)) for _ in range(n)],
        "birth_datetime": [f"{y}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02} 00:00:00" for y in born],
        "race_concept_id": [rng.choice(("8527", "8516", "8515", "0")) for _ in range(n)],
        "ethnicity_concept_id": [rng.choice(("38003563", "38003564")) for _ in range(n)],
        "person_source_value": ["".join(rng.choice("0123456789ABCDEF") for _ in range(16)) for _ in range(n)],
    }
    return pa.table(table), {
        "person_id": "identifier!",
        "gender_concept_id": "quasi_identifier code boolean categorical",
        "year_of_birth": "quasi_identifier continuous date",
        "month_of_birth": "quasi_identifier ordinal categorical count",
        "day_of_birth": "quasi_identifier ordinal count continuous",
        "birth_datetime": "date datetime!",
        "race_concept_id": "quasi_identifier code categorical",
        "ethnicity_concept_id": "quasi_identifier code boolean categorical",
        "person_source_value": "identifier!",
    }


def omop_measurement() -> Made:
    rng = random.Random(2)
    people = _repeat([str(key) for key in rng.sample(range(1, 3000), 150)], rng, 4, 12)
    n = len(people)
    when = [_date(rng, 2008, 2012) for _ in range(n)]
    table = {
        "measurement_id": [str(900000 + i * 3) for i in range(n)],
        "person_id": people,
        "measurement_concept_id": [
            rng.choice(("3004249", "3012888", "3027018", "3024171", "3020891")) for _ in range(n)
        ],
        "measurement_date": [w.strftime("%Y-%m-%d") for w in when],
        "measurement_time": [w.strftime("%H:%M:%S") for w in when],
        "value_as_number": [f"{rng.gauss(100, 20):.1f}" for _ in range(n)],
        "unit_concept_id": [rng.choice(("8876", "8541", "9289")) for _ in range(n)],
        "range_low": [rng.choice(("60", "90", "12")) for _ in range(n)],
        "visit_occurrence_id": [str(rng.randint(10000, 99999)) for _ in range(n)],
        "measurement_source_value": [rng.choice(("8480-6", "8462-4", "8867-4", "9279-1", "8310-5")) for _ in range(n)],
        "unit_source_value": [rng.choice(("mmHg", "bpm", "C")) for _ in range(n)],
    }
    return pa.table(table), {
        "measurement_id": "identifier!",
        "person_id": "identifier!",
        "measurement_concept_id": "code categorical",
        "measurement_date": "date!",
        "measurement_time": "datetime continuous event_time",
        "value_as_number": "continuous",
        "unit_concept_id": "code categorical",
        "range_low": "continuous categorical ordinal",
        "visit_occurrence_id": "identifier!",
        "measurement_source_value": "code categorical",
        "unit_source_value": "categorical",
    }


def fhir_patient() -> Made:
    rng = random.Random(3)
    n = 300
    table = {
        "id": [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(n)],
        "identifier_mrn": [f"MRN{rng.randint(10**6, 10**7 - 1)}" for _ in range(n)],
        "name_family": [rng.choice(LAST) for _ in range(n)],
        "name_given": [rng.choice(FIRST) for _ in range(n)],
        "telecom_phone": [f"({rng.randint(201, 989)}) 555-{rng.randint(0, 9999):04}" for _ in range(n)],
        "telecom_email": [f"user{rng.randint(1, 10**6)}@example.org" for _ in range(n)],
        "gender": [rng.choice(("male", "female", "other")) for _ in range(n)],
        "birthDate": [_date(rng, 1930, 2015).strftime("%Y-%m-%d") for _ in range(n)],
        "deceasedBoolean": [rng.choice(("true", "false", "false")) for _ in range(n)],
        "address_line": [
            f"{rng.randint(1, 9999)} {rng.choice(STREET)} {rng.choice(('St', 'Ave', 'Rd', 'Ln'))}" for _ in range(n)
        ],
        "address_city": [rng.choice(TOWN) for _ in range(n)],
        "address_state": [rng.choice(("MA", "NY", "CT", "RI", "VT")) for _ in range(n)],
        "address_postalCode": [f"0{rng.randint(1001, 6999)}" for _ in range(n)],
        "maritalStatus": [rng.choice("MSDW") for _ in range(n)],
        "lastUpdated": [_date(rng, 2018, 2023).strftime("%Y-%m-%dT%H:%M:%S+00:00") for _ in range(n)],
    }
    return pa.table(table), {
        "id": "identifier!",
        "identifier_mrn": "identifier!",
        "name_family": "name!",
        "name_given": "name!",
        "telecom_phone": "phone!",
        "telecom_email": "email!",
        "gender": "quasi_identifier categorical",
        "birthDate": "date!",
        "deceasedBoolean": "boolean event_indicator",
        "address_line": "address!",
        "address_city": "address quasi_identifier!",
        "address_state": "quasi_identifier categorical",
        "address_postalCode": "address quasi_identifier!",
        "maritalStatus": "quasi_identifier categorical",
        "lastUpdated": "datetime!",
    }


def claims() -> Made:
    rng = random.Random(4)
    people = _repeat(["".join(rng.choice("0123456789ABCDEF") for _ in range(16)) for _ in range(120)], rng, 3, 9)
    n = len(people)
    table = {
        "DESYNPUF_ID": people,
        "CLM_ID": [str(rng.randint(10**14, 10**15 - 1)) for _ in range(n)],
        "CLM_FROM_DT": [_date(rng, 2008, 2010).strftime("%Y%m%d") for _ in range(n)],
        "CLM_THRU_DT": [_date(rng, 2008, 2010).strftime("%Y%m%d") for _ in range(n)],
        "PRVDR_NUM": [
            f"{rng.choice(('26', '33', '05'))}{rng.randint(0, 60):02}{rng.choice('ABCD')}V" for _ in range(n)
        ],
        "CLM_PMT_AMT": [f"{rng.lognormvariate(6, 1):.2f}" for _ in range(n)],
        "AT_PHYSN_NPI": [str(rng.randint(10**9, 10**10 - 1)) for _ in range(n)],
        "ICD9_DGNS_CD_1": [rng.choice(ICD9) for _ in range(n)],
        "HCPCS_CD_1": [rng.choice(HCPCS) for _ in range(n)],
        "CLM_UTLZTN_DAY_CNT": [str(min(40, int(rng.expovariate(0.3)))) for _ in range(n)],
        "CLM_DRG_CD": [rng.choice(DRG) for _ in range(n)],
    }
    return pa.table(table), {
        "DESYNPUF_ID": "identifier!",
        "CLM_ID": "identifier!",
        "CLM_FROM_DT": "date!",
        "CLM_THRU_DT": "date!",
        "PRVDR_NUM": "identifier code categorical?",
        "CLM_PMT_AMT": "continuous",
        "AT_PHYSN_NPI": "identifier!",
        "ICD9_DGNS_CD_1": "code categorical",
        "HCPCS_CD_1": "code categorical",
        "CLM_UTLZTN_DAY_CNT": "count",
        "CLM_DRG_CD": "code categorical",
    }


def adam_tte() -> Made:
    rng = random.Random(5)
    n = 250
    table = {
        "STUDYID": ["ABC-123"] * n,
        "USUBJID": [f"ABC-123-{rng.randint(1, 20):03}-{i:04}" for i in range(n)],
        "SITEID": [f"{rng.randint(1, 20):03}" for _ in range(n)],
        "TRTP": [rng.choice(("Placebo", "Drug 10 mg", "Drug 20 mg")) for _ in range(n)],
        "AGE": [str(rng.randint(18, 85)) for _ in range(n)],
        "AGEGR1": [rng.choice(("<65", ">=65")) for _ in range(n)],
        "SEX": [rng.choice("MF") for _ in range(n)],
        "RACE": [rng.choice(("WHITE", "BLACK OR AFRICAN AMERICAN", "ASIAN")) for _ in range(n)],
        "PARAMCD": ["OS"] * n,
        "AVAL": [str(rng.randint(3, 1500)) for _ in range(n)],
        "CNSR": [rng.choice("01") for _ in range(n)],
        "STARTDT": [_date(rng, 2012, 2014).strftime("%d%b%Y").upper() for _ in range(n)],
        "ECOG": [rng.choice("012") for _ in range(n)],
        "BMIBL": [f"{rng.gauss(26, 4):.1f}" for _ in range(n)],
    }
    return pa.table(table), {
        "STUDYID": "constant",
        "USUBJID": "identifier!",
        "SITEID": "categorical code quasi_identifier",
        "TRTP": "categorical",
        "AGE": "quasi_identifier continuous",
        "AGEGR1": "boolean categorical quasi_identifier ordinal",
        "SEX": "quasi_identifier boolean",
        "RACE": "quasi_identifier categorical",
        "PARAMCD": "constant",
        "AVAL": "event_time continuous",
        "CNSR": "event_indicator boolean",
        "STARTDT": "date!",
        "ECOG": "ordinal",
        "BMIBL": "continuous",
    }


def redcap() -> Made:
    rng = random.Random(6)
    n = 180
    notes = (
        "patient reports",
        "no complaints",
        "pain worse at night",
        "follow up planned",
        "reviewed with family",
        "stable",
    )
    table = {
        "record_id": [str(i + 1) for i in range(n)],
        "redcap_event_name": [rng.choice(("baseline_arm_1", "month_3_arm_1", "month_6_arm_1")) for _ in range(n)],
        "dob": [_date(rng, 1940, 2000).strftime("%m/%d/%Y") for _ in range(n)],
        "age_at_enrollment": [str(rng.randint(20, 95)) for _ in range(n)],
        "nyha_class": [str(rng.randint(1, 4)) for _ in range(n)],
        "medications___1": [rng.choice("01") for _ in range(n)],
        "height_cm": [f"{rng.gauss(170, 10):.0f}" for _ in range(n)],
        "pain_score": [str(rng.randint(0, 10)) for _ in range(n)],
        "sodium": [rng.choice([str(rng.randint(128, 150))] * 9 + ["-999"]) for _ in range(n)],
        "comments": [" ".join(rng.sample(notes, 3)) + f" on visit {rng.randint(1, 999)}" for _ in range(n)],
        "baseline_complete": [rng.choice("012") for _ in range(n)],
        "num_pregnancies": [str(min(8, int(rng.expovariate(0.6)))) for _ in range(n)],
    }
    return pa.table(table), {
        "record_id": "identifier!",
        "redcap_event_name": "categorical",
        "dob": "date!",
        "age_at_enrollment": "quasi_identifier!",
        "nyha_class": "ordinal",
        "medications___1": "boolean",
        "height_cm": "continuous",
        "pain_score": "ordinal count",
        "sodium": "continuous",
        "comments": "free_text?",
        "baseline_complete": "ordinal categorical",
        "num_pregnancies": "count",
    }


def german_registry() -> Made:
    rng = random.Random(7)
    n = 220
    table = {
        "Fallnummer": [str(rng.randint(10**7, 10**8 - 1)) for _ in range(n)],
        "Nachname": [rng.choice(LAST) for _ in range(n)],
        "Vorname": [rng.choice(FIRST) for _ in range(n)],
        "Geburtsdatum": [_date(rng, 1930, 2005).strftime("%d.%m.%Y") for _ in range(n)],
        "Geschlecht": [rng.choice(("männlich", "weiblich")) for _ in range(n)],
        "PLZ": [f"{rng.randint(1067, 99998):05}" for _ in range(n)],
        "Wohnort": [rng.choice(TOWN) for _ in range(n)],
        "Aufnahmedatum": [_date(rng, 2015, 2020).strftime("%d.%m.%Y %H:%M") for _ in range(n)],
        "Hauptdiagnose": [rng.choice(ICD10) for _ in range(n)],
        "Alter": [str(rng.randint(18, 88)) for _ in range(n)],
        "Verweildauer": [str(1 + int(rng.expovariate(0.2))) for _ in range(n)],
        "Kreatinin": [f"{rng.gauss(1.1, 0.3):.2f}".replace(".", ",") for _ in range(n)],
        "Familienstand": [rng.choice(("ledig", "verheiratet", "geschieden", "verwitwet")) for _ in range(n)],
        "verstorben": [rng.choice(("ja", "nein", "nein")) for _ in range(n)],
        "Anzahl_OPs": [str(min(9, int(rng.expovariate(0.7)))) for _ in range(n)],
        "Telefon": [f"0{rng.randint(30, 999)}/{rng.randint(100000, 9999999)}" for _ in range(n)],
    }
    return pa.table(table), {
        "Fallnummer": "identifier!",
        "Nachname": "name!",
        "Vorname": "name!",
        "Geburtsdatum": "date!",
        "Geschlecht": "quasi_identifier boolean",
        "PLZ": "address quasi_identifier!",
        "Wohnort": "address quasi_identifier!",
        "Aufnahmedatum": "datetime!",
        "Hauptdiagnose": "code",
        "Alter": "quasi_identifier continuous",
        "Verweildauer": "count continuous",
        "Kreatinin": "continuous",
        "Familienstand": "quasi_identifier categorical",
        "verstorben": "event_indicator boolean",
        "Anzahl_OPs": "count",
        "Telefon": "phone!",
    }


def romance_registry() -> Made:
    rng = random.Random(8)
    n = 200
    table = {
        "NIP": [str(800000000 + rng.randint(0, 99999999)) for _ in range(n)],
        "nom": [rng.choice(LAST).upper() for _ in range(n)],
        "prenom": [rng.choice(FIRST) for _ in range(n)],
        "date_naissance": [_date(rng, 1935, 2000).strftime("%d/%m/%Y") for _ in range(n)],
        "sexe": [rng.choice("HF") for _ in range(n)],
        "code_postal": [f"{rng.randint(1000, 95999):05}" for _ in range(n)],
        "edad": [str(rng.randint(20, 80)) for _ in range(n)],
        "apellidos": [f"{rng.choice(LAST)} {rng.choice(LAST)}" for _ in range(n)],
        "fecha_ingreso": [_date(rng, 2010, 2016).strftime("%Y/%m/%d") for _ in range(n)],
        "fallecido": [rng.choice(("sí", "no")) for _ in range(n)],
        "estado_civil": [rng.choice(("soltero", "casado", "viudo")) for _ in range(n)],
        "observaciones": [
            f"paciente refiere dolor de {rng.choice(('cabeza', 'pecho', 'espalda'))} hace {rng.randint(1, 90)} dias"
            for _ in range(n)
        ],
    }
    return pa.table(table), {
        "NIP": "identifier!",
        "nom": "name!",
        "prenom": "name!",
        "date_naissance": "date!",
        "sexe": "quasi_identifier boolean",
        "code_postal": "address quasi_identifier!",
        "edad": "quasi_identifier continuous",
        "apellidos": "name!",
        "fecha_ingreso": "date!",
        "fallecido": "event_indicator boolean",
        "estado_civil": "quasi_identifier categorical",
        "observaciones": "free_text?",
    }


def icu_stays() -> Made:
    rng = random.Random(9)
    people = _repeat([str(rng.randint(10000000, 19999999)) for _ in range(140)], rng, 1, 3)
    n = len(people)
    inn = [_date(rng, 2110, 2200) for _ in range(n)]
    table = {
        "subject_id": people,
        "hadm_id": [str(rng.randint(20000000, 29999999)) for _ in range(n)],
        "stay_id": [str(rng.randint(30000000, 39999999)) for _ in range(n)],
        "first_careunit": [rng.choice(("MICU", "SICU", "CCU", "Neuro Stepdown", "TSICU")) for _ in range(n)],
        "intime": [w.strftime("%Y-%m-%d %H:%M:%S") for w in inn],
        "outtime": [(w + timedelta(hours=rng.randint(5, 300))).strftime("%Y-%m-%d %H:%M:%S") for w in inn],
        "los": [f"{rng.expovariate(0.3):.4f}" for _ in range(n)],
        "anchor_age": [str(min(91, rng.randint(18, 93))) for _ in range(n)],
        "anchor_year": [str(rng.randint(2110, 2200)) for _ in range(n)],
        "anchor_year_group": [rng.choice(("2008 - 2010", "2011 - 2013", "2014 - 2016")) for _ in range(n)],
        "gcs": [str(rng.randint(3, 15)) for _ in range(n)],
        "lactate": [rng.choice((f"{rng.expovariate(0.5):.1f}", "")) for _ in range(n)],
        "vasopressor": [rng.choice("01") for _ in range(n)],
        "drug": [rng.choice(DRUG) for _ in range(n)],
        "charttime_offset": [str(rng.randint(-400, 4000)) for _ in range(n)],
    }
    return pa.table(table), {
        "subject_id": "identifier!",
        "hadm_id": "identifier!",
        "stay_id": "identifier!",
        "first_careunit": "categorical",
        "intime": "datetime!",
        "outtime": "datetime!",
        "los": "continuous event_time count",
        "anchor_age": "quasi_identifier!",
        "anchor_year": "continuous date quasi_identifier ordinal",
        "anchor_year_group": "ordinal categorical",
        "gcs": "ordinal count continuous",
        "lactate": "continuous",
        "vasopressor": "boolean",
        "drug": "categorical",
        "charttime_offset": "continuous event_time",
    }


TABLES: tuple[Callable[[], Made], ...] = (
    omop_person, omop_measurement, fhir_patient, claims, adam_tte, redcap, german_registry, romance_registry, icu_stays,
)  # fmt: skip
