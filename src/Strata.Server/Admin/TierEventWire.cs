namespace Strata.Server;

/// <summary>A <see cref="TierEvent"/> of a named store as JSON.</summary>
internal sealed record TierEventWire(string Store, long Sequence, DateTimeOffset Time, TierEventKind Kind, string Tier, string Key, long Length)
{
    /// <summary>What all stores remember, oldest first; of one store in the order of its sequence numbers.</summary>
    public static IReadOnlyList<TierEventWire> From(IReadOnlyDictionary<string, IBlobStore> stores)
    {
        var moves = new List<TierEventWire>();
        foreach ((string name, IBlobStore store) in stores)
        {
            if (!store.TryGetFacet(out ITierInspection? tiers)) continue;
            moves.AddRange(tiers.GetEvents().Select(e => new TierEventWire(name, e.Sequence, e.Time, e.Kind, e.Tier, e.Key.Value, e.Length)));
        }

        return [.. moves.OrderBy(m => m.Time).ThenBy(m => m.Sequence)];
    }
}
