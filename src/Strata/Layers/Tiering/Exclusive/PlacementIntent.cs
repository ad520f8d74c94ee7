namespace Strata;

/// <summary>What is not finished of a key: the journal's row.</summary>
internal sealed record PlacementIntent
{
    /// <summary>The key.</summary>
    public required BlobKey Key { get; init; }

    /// <summary>The change under way; null: none.</summary>
    public PlacementChange? Change { get; init; }

    /// <summary>Where bytes are to be removed.</summary>
    public IReadOnlyList<Leftover> Leftovers { get; init; } = [];

    /// <summary>True: there is nothing left to do.</summary>
    public bool IsEmpty => Change is null && Leftovers.Count == 0;

    /// <summary>The highest version that unfinished changes have used.</summary>
    public BlobVersion Floor => Leftovers.Select(l => l.Version).Append(Change?.Version ?? default).Max();

    /// <summary>With a leftover, in place of an older one in the same tier; of both the later end and the higher version count.</summary>
    public PlacementIntent With(Leftover leftover)
    {
        Leftover? old = Leftovers.FirstOrDefault(l => l.Tier == leftover.Tier);
        Leftover merged = old is null ? leftover : leftover with
        {
            Version = old.Version > leftover.Version ? old.Version : leftover.Version,
            PendingUntil = old.PendingUntil is { } before && (leftover.PendingUntil is not { } until || before > until) ? before : leftover.PendingUntil,
        };
        return this with { Leftovers = [.. Leftovers.Where(l => l.Tier != leftover.Tier), merged] };
    }

    /// <summary>Without the leftover of a tier.</summary>
    public PlacementIntent Without(string tier) => this with { Leftovers = [.. Leftovers.Where(l => l.Tier != tier)] };

    /// <summary>With the change's target as a leftover instead of the change: nothing shall come of it.</summary>
    public PlacementIntent Abandoned() => Change is { } change ? (this with { Change = null }).With(new Leftover(change.To, change.Version, change.PendingUntil)) : this;
}
