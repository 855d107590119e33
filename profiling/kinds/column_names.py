"""What a column's name says: names become tokens, and tokens concepts.

The vocabulary is made of the field's own terms: registries, claims, laboratory systems, OMOP, FHIR, SDTM/ADaM, REDCap,
in English, German, French and Spanish. A concept is facts and never proof: the rules ask the values to agree.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["CONCEPTS", "Header", "read_header"]


@dataclass(frozen=True, slots=True)
class Header:
    """A column's name as facts.

    Attributes:
        tokens: Lower-case words in order, accents removed.
        joined: All letters and digits, lower-case, without separators.
        concepts: Keys of ``CONCEPTS`` that the name speaks of.
    """

    tokens: tuple[str, ...]
    joined: str
    concepts: frozenset[str]

    def says(self, *concepts: str) -> bool:
        """Whether the name speaks of any of ``concepts``."""
        return not self.concepts.isdisjoint(concepts)


CONCEPTS: dict[str, str] = {
    "identifier": "id ids identifier uid guid uuid key nbr nr nummer numero num number no kennung kennziffer "
    "identifiant identificador seqn barcode accession serial",
    "identifier_whole": "id pid mrn eid hic hicn mbi npi nhs nir ipp nhc nip seqn usubjid subjid subjectid "
    "patientid patid patnr patno patientnumber patientno patientnr pidnum hadm hadmid stayid icustayid caseid "
    "fallnr fallnummer fallid casnum recordid recordno recordnumber mpi empi cpr personnummer bsn dni nif nie "
    "curp rut passport passeport pasaporte reisepass drivers license licence drivinglicense fuehrerschein "
    "studienid probandid rowid episodeid encounterid visitid claimid beneid desynpufid subject patient encounter "
    "person participant proband personid versichertennummer kvnr numerosecuritesociale insurancenumber "
    "policynumber accountnumber device deviceid udi krankenversicherungsnummer historiaclinica sampleid "
    "specimenid orderid labid uniqueid ptid screennum randnum rndno",
    "entity": "patient patients subject person participant proband pat pt subj encounter visit admission hadm stay "
    "icustay case fall episode record row member beneficiary bene client provider practitioner caregiver "
    "physician doctor specimen sample order claim prescription event study trial sejour paciente persona "
    "proveedor organization organisation account policy insurance medical clinical hospital device hosp care "
    "visitor caso fam family mother father infant child pidnum medication exposure occurrence measurement "
    "observation procedure condition drug note result lab test report accession image scan transaction patienten "
    "probanden dossier",
    "not_identifier": "type disposition source concept status category class reason unit units gender sex race "
    "ethnicity group grp level kind grade stage specialty payer insurer vocabulary domain code of count total "
    "location ward department site center centre clinic facility form version arm cohort cluster modifier "
    "modality",
    "name": "name names lastname firstname surname forename familyname givenname nachname vorname zuname "
    "geburtsname nom prenom apellido apellidos nombre nombres first last maiden middle given family fullname "
    "patientname initials initialen initiales fname lname mname alias nickname",
    "name_whole": "name first last maiden middle given family nom prenom nombre apellido apellidos vorname nachname "
    "familienname firstname lastname surname forename fname lname mname fullname patientname maidenname "
    "middlename physician doctor provider attending surgeon arzt medecin medico nextofkin emergencycontact "
    "guardian spouse",
    "person_word": "patient subject person participant proband member client practitioner caregiver beneficiary "
    "insured subscriber paciente patienten arzt medecin medico first last maiden middle given family full sur "
    "doctor physician provider attending contact kin guardian spouse mother father birth nurse surgeon user "
    "author signed by",
    "address": "address adress adresse direccion street strasse str rue calle addr line1 line2 domicile wohnort "
    "anschrift hausnummer residence birthplace geburtsort town",
    "place": "city county town village ville ciudad municipio municipality commune stadt ort kreis landkreis "
    "district gemeinde parish suburb birthplace geburtsort lugar localidad province tract block census "
    "hospital_city",
    "postcode": "zip zipcode postcode postal plz postleitzahl codepostal codigopostal postalcode cp zip5 zip3 zcta "
    "pincode",
    "latitude": "lat latitude breitengrad",
    "longitude": "lon lng long longitude laengengrad",
    "phone": "phone telephone tel telefon telefono fax mobile handy cell movil cellphone phonenumber telnr portable",
    "email": "email mail emailaddress courriel correo",
    "ssn": "ssn socialsecurity socialsecuritynumber sin nino sozialversicherungsnummer svnr insee",
    "age": "age alter edad agey ageyrs ageyears years_old anchor_age ageatdiagnosis aage agebl edat eta alder leeftijd",
    "sex": "sex gender geschlecht sexe sexo genero genre male female",
    "demographic": "race ethnicity ethnic ethnie rasse raza etnia hispanic religion marital married maritalstatus "
    "familienstand civil etatcivil estadocivil language lang sprache langue idioma nationality nationalitaet "
    "staatsangehoerigkeit citizenship country land pays pais occupation beruf profession education schooling "
    "bildung income immigrant veteran race1 ethnicgroup ancestry religione caste state bundesland region",
    "birth": "birth birthdate dob geburt geburtsdatum naissance nacimiento born brthdtc brthdt birthday birthyear "
    "yob gebdat gebdatum ddn fechanacimiento datenaissance dateofbirth",
    "death": "death died dead deceased mortality mort dth dthfl tod verstorben deces fallecido muerte exitus expire "
    "expired surv survival survived vital alive dod",
    "date": "date datum fecha dt dtc day_of dtm datetime timestamp admittime dischtime deathtime charttime time "
    "start stop end begin onset",
    "year": "year yr jahr annee ano anio yrs years yob birthyear",
    "month": "month mo monat mois mes mth months",
    "day": "day days tag tage jour jours dia dias dy weekday",
    "follow": "time futime followup follow fu os pfs dfs rfs efs survtime survivaltime timetoevent tte aval "
    "duration days months ueberlebenszeit suivi seguimiento survie lenfol stime ttoevent fuptime fupdays "
    "surv_time ttodeath overall survival relapse progression tiempo duree zeit dauer",
    "follow_whole": "zeit dauer tiempo duree aval tte time futime os pfs dfs rfs efs ttp tte days survtime "
    "survivaltime ostime pfstime rfstime dfstime timetoevent timetodeath followuptime followupdays followupmonths "
    "followup fu lenfol stime overallsurvival survivaldays survivalmonths survivalyears dtime rtime fuptime "
    "fupdays ueberlebenszeit suivi seguimiento osmonths osdays pfsmonths dfsmonths survmonths survdays fuyears "
    "fudays fumonths timeyears timedays timemonths tdays tmonths timetoeventdays deathtime daystodeath "
    "daystolastfollowup",
    "event": "event status cens censor censored censoring death died dead deceased dth relapse recurrence recur "
    "progression mortality failure expire expired fstat cnsr delta outcome exitus deces verstorben tod fallecido "
    "muerte evento evenement ereignis dthfl vital readmission rehospitalization",
    "event_whole": "fustat fstatus vitalstat event status cens censor censored death died dead deceased dthfl fstat "
    "cnsr delta deathevent vitalstatus osstatus pfsstatus osevent pfsevent dfsevent rfsevent rfi relapse "
    "recurrence deathflag expireflag hospitalexpireflag mortality exitus verstorben deces fallecido muerte evento "
    "ereignis evenement relstat dead90",
    "outcome": "target class outcome label y response readmitted readmission survived survival death died dead "
    "diagnosis result event mortality zielgroesse ziel endpoint case disease responder relapse recurrence status "
    "cancer malignant improved success failure expire risk1yr class_label",
    "count": "count counts num number n nb nbr anzahl nombre numero cnt freq frequency visits times episodes "
    "pregnancies preg parity gravida gravidity children kids siblings nodes pnodes lesions cigarettes cigs drinks "
    "admissions hospitalizations procedures medications diagnoses refills supply length los stay doses cycles "
    "utilization encounters events zahl tabs tablets teeth sites",
    "quantity": "days months years hours minutes weeks los duration stay time dy age weight height bmi score index "
    "rate ratio level pressure temperature temp value result dose amount cost charge price total mean avg sum",
    "ordinal": "grade stage grading staging stadium severity schweregrad class nyha asa ecog karnofsky karnof score "
    "level degree grad rating rank tnm tgrade pstage gleason likert scale performance quality apgar acuity triage "
    "priority esi mrs rankin fitzpatrick killip ccs seq sev intensity ordinal quintile quartile tertile decile",
    "sequence": "seq sequence visitnum visitno aeseq seqnum line rank order position day visit",
    "code": "code codes cd icd icd9 icd10 loinc snomed atc ndc cpt hcpcs drg rxnorm rxcui cvx mesh meddra ccs gsn "
    "concept_id diag diagcode proccode icdcode icd9code din pzn cip ehrcode cui oid llt hlt hlgt terminology apr",
    "code_id": "concept conceptid itemid item vocabulary vocabularyid",
    "term": "drug medication medicine product generic brand ingredient diagnosis diagnoses procedure operation test "
    "lab item label description specialty speciality organism bacteria allergen allergy vaccine substance "
    "medicament medikament wirkstoff diagnose farmaco medicamento component analyte observation measurement "
    "finding department service unit hospital facility clinic ward payer insurance insurer plan device category "
    "decod pt soc bodsys hlt llt term occupation job religion language country state nationality ethnicity race "
    "route form dose poe strength",
    "group": "site center centre arm group cohort treatment treat trt armcd actarm ward department cluster region "
    "gruppe zentrum klinik station groupe bras centro grupo brazo hospital clinic facility strat stratum batch "
    "siteid sitenum centerid centreid hospitalid clinicid wardid unitid groupid study trial studyid domain rx "
    "regimen",
    "free_text": "note notes text comment comments remark remarks narrative report description descr desc bemerkung "
    "kommentar anmerkung befund commentaire remarque observaciones comentario nota notas summary history anamnese "
    "reason verbatim term impression findings complaint freetext memo free aeterm mhterm cmtrt reasons reported "
    "diagnosistext freitext beschreibung descripcion libelle motif motivo",
    "flag": "flag fl indicator ind yn is has had any flg",
    "boolean": "flag indicator yn is has had any",
}
"""Concept → tokens, joined neighbours or whole names that speak of it; ``_whole`` marks those that
need the whole name."""

_WORDS: dict[str, frozenset[str]] = {concept: frozenset(words.split()) for concept, words in CONCEPTS.items()}

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPLIT = re.compile(r"[^a-z0-9]+|(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])")
# SDTM and ADaM name variables by a two-letter domain and a fixed suffix (SDTM Implementation Guide 3.4, section 3).
_SDTM = re.compile(
    r"^[A-Z]{2}(?:ST|EN|X?ST|X?EN|P?EN|IC)?(DTC|DTM|DT|DY|SEQ|TERM|DECOD|CD|FL|SPID|GRPID|REFID|TESTCD)$"
)
_SDTM_WORDS = {
    "DTC": "date", "DTM": "datetime", "DT": "date", "DY": "dy", "SEQ": "seq", "TERM": "term", "DECOD": "decod",
    "CD": "cd", "FL": "flag", "SPID": "spid", "GRPID": "grpid", "REFID": "refid", "TESTCD": "code",
}  # fmt: skip


@lru_cache(maxsize=8192)
def read_header(name: str) -> Header:
    """Tokens and concepts of a column's name; a name without words (``V1``, ``x``) yields no concept."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", _fold(name)) if not unicodedata.combining(c))
    suffix = _SDTM.match(plain)
    parts = _CAMEL.sub(" ", plain) if not plain.isupper() else plain
    tokens = tuple(t for t in _SPLIT.split(parts.lower()) if t)
    if suffix:
        tokens = (*tokens, _SDTM_WORDS[suffix.group(1)])
    joined = "".join(c for c in plain.lower() if c.isalnum())
    words = {t for t in tokens if not t.isdigit()} | {joined}
    words |= {a + b for a, b in itertools.pairwise(tokens)}
    concepts = {
        concept
        for concept, known in _WORDS.items()
        if (joined in known if concept.endswith("_whole") else not words.isdisjoint(known))
    }
    return Header(tokens, joined, frozenset(concepts))


def _fold(name: str) -> str:
    return name.replace("ß", "ss").replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("Ü", "Ue")
