-- Reference and FX effect are together what is reported, and a currency has no effect on itself.
select *
from {{ ref('fx_effects') }}
where
    reporting_billed_cost is distinct from reference_billed_cost + fx_billed_cost
    or reporting_effective_cost is distinct from reference_effective_cost + fx_effective_cost
    or reporting_contracted_cost is distinct from reference_contracted_cost + fx_contracted_cost
    or reporting_list_cost is distinct from reference_list_cost + fx_list_cost
    or (billing_currency = reporting_currency and (fx_billed_cost <> 0 or reporting_billed_cost <> billed_cost))
