-- Negotiated and commitment savings are exactly what list cost exceeds effective cost by, and are unknown where a price is unknown, only there.
select *
from {{ ref('cost_savings') }}
where
    total_savings is distinct from list_cost - effective_cost
    or (known_prices = 'list_and_contracted' and total_savings is distinct from negotiated_savings + commitment_savings)
    or (known_prices = 'list_and_contracted') <> (negotiated_savings is not null)
    or (known_prices in ('list_and_contracted', 'contracted')) <> (commitment_savings is not null)
