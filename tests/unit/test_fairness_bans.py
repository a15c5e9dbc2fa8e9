"""Names of inputs that laws ban, and names that only look alike: thought up as columns are named, not from the code."""

from datetime import date

import pytest

from pipelines.fairness.law import banned

DAY = date(2026, 12, 31)

BANNED = {
    "us-il-hb3773": """
        zip ZIP USZip US_ZIP homezip HomeZIPCode zip5 Zip3_prefix zipcode5 candidateZip applicant-postal-code PostCode
        plz PLZ_Wohnort postleitzahl privatePostleitzahl code_postal codePostal CODEPOSTAL codigo_postal códigoPostal
        codice_postale cep cep_residencial postcodeThuis woonpostcode geohash6 home_lat homeLatitude lon longitude
        census_tract neighborhood_score geo_hash geoHash geo_location geoLocation geo_located censustract
        censusBlockGroup censusblock post_codes
    """,
    "us-ugesp": """
        age Age AGE age_years ageAtHire mean_age meanAge avgAge max_age__mean employeeAge employee_age candidateage
        pilot_age age_of_employee age_of_ticket_owner ticket_owner_age age_group AgeBand years_old yearsOld
        HRAge age_40_plus team_mean_age ages lebensalter alter alter_in_jahren mitarbeiterAlter edad edad_promedio idade
        idade_do_candidato leeftijd fascia_eta
        dob DOB DoB d_o_b empDOB dobYear birthdate birth_year BirthYear yearOfBirth birthPlace born_on geburtsdatum
        GebDatum Geburtsjahr geburtsort fecha_nacimiento fechaNacimiento data_nascimento data_di_nascita
        date_naissance dateNaissance geboortedatum
        sex Sex sexCode gender genderCode candidategender isFemale is_male geschlecht Geschlecht_m_w sexo sexe sesso
        geslacht género pronouns
        race raceCode race_code_2 ethnicity ethnicGroup isHispanic hautfarbe skin_color raza etnia ethnie
        religion religionCode ReligiousAffiliation konfession kirchensteuer godsdienst religião religione
        nationality nationalityCode national_origin nationalité nacionalidad nacionalidade nazionalità nationaliteit
        staatsangehörigkeit Staatsangehoerigkeit staatsbuergerschaft citizenship usCitizenship ciudadania cittadinanza
        disability isDisabled disability_status schwerbehindert GradDerBehinderung handicap discapacidad disabilità
        deficiencia arbeidsongeschikt
        pregnant pregnancy_flag isPregnant schwanger Schwangerschaft mutterschutz grossesse enceinte embarazo gravidez
        gravidanza zwangerschap maternity_leave_days maternité
        sexualorientation nationalorigin skincolor countryoforigin estadocivil etatcivil africanamerican nativeamerican
        ageofapplicant ageathire alters_gruppe familien_stand paternity_leave paternityLeave parental_leave_days anrede
        salutation is_black is_asian isWhite
        marital_status familienstand estado_civil état_civil sexual_orientation
    """,
    "eu-ai-act": """
        emotion_score EmotionScore mood facialExpression gaze eye_contact_share eyeTracking voicePitch vocal_energy
        keystroke_rate keystrokes__trend typing_rhythm heartRate biometric_id
        keyStrokeRate key_strokes heartBeat heart_beat micro_expression microExpressions eyecontact bio_metrics
    """,
    "us-il-video": """
        video_seconds interviewVideoLength videoScore video_interview_score voicePitch audio_loudness webcam_on_share
        video_editing_video_score videos_score
        webCam web_cam_seconds
    """,
    "us-il-bipa": """
        fingerprint faceprint voiceprint irisScan hand_geometry retina_scan finger_print fingerPrint facePrint
        voice_prints irisscan handgeometry facegeometry facelandmark
    """,
}

FREE = """
    mean_age_of_ticket age_of_ticket ticket_age ticketAge average_ticket_age ticket_age_hours TicketAgeDays
    age_of_open_tickets_days employee_ticket_age age_of_ticket_by_employee backlogAge invoice_age mean_age_of_invoices
    account_age_days caseAge dataset_age certificate_age_months ticketage oldest_ticket_age__mean ages_of_cases
    ticket_mean_age mean_age_of_vacancies aged_invoices aged_receivables_eur ticket_years_old
    average_tenure usage usage_hours manager_rating management_level package_count packages_delivered coverage
    test_coverage stage_count message_count mileage percentage languages_spoken average_score engagement_score
    wage_band bandage_stock storage_gb images_labelled teenage_books
    video_editing_skill videoEditing video_production_years training_video_minutes course_videos_completed
    videos_watched audio_engineering_cert voice_over_projects voicemail_count invoice_count invoices_sent
    zip_file_count gzip_ratio unzip_errors zipper_defects zipline_trips latency_ms latest_review flat_rate
    platform_count longest_streak lonworks_cert colonies concept_count acceptance_rate exception_count
    national_accounts international_travel_days originNational regional_sales
    promotion_count demotions emotionless_copy remote_days motion_tickets
    race_conditions_fixed trace_count embraced_changes racking_hours interface_count surface_defects
    sector_code essex_office middlesex_office sextant_cert unisex_stock
    agenda_items calendar_events bartending_shifts tender_wins rendered_pages lavender_stock
    renaissance_course deficit_eur efficiency verhinderungen verhandlungen mitarbeiterzahl dienstalter
    alteration_count alternatives_tried altered_records filter_count
    disabled_accounts_closed disabled_features eye_exams pitches sales_pitch_count moody_ratings
    stubborn_bugs adobe_cert dobermann_stock bornholm_office
    postage_costs alternative_hours native_apps web_campaign_clicks web_campus_hours page_burts key_account_strokes
    lineage patronage contactless countries_served do_bs ageofticket white_papers black_belt asian_markets
    national_accounts ra_ce_hours nele_sales
    tenure_months overtime_hours__steps job_family_code skill_match_share education_level years_of_experience
    certifications_count distance_to_sla_minutes training_hours quality_score eta_minutes cidade_count qualidade
"""


@pytest.mark.parametrize(("law", "name"), [(law, name) for law, names in BANNED.items() for name in names.split()])
def test_what_a_law_bans_is_known_however_it_is_written(law, name):
    assert law in {ban.partition("/")[0] for ban in banned([name], DAY).get(name, ())}


@pytest.mark.parametrize("name", FREE.split())
def test_what_only_looks_like_it_is_free(name):
    assert banned([name], DAY) == {}


def test_the_table_is_long_enough():
    assert min(len(FREE.split()), sum(len(names.split()) for names in BANNED.values())) >= 60
