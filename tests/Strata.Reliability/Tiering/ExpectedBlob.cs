namespace Strata.Reliability;

/// <summary>What a read of one key may find: the last acknowledged state, and what of unknown outcome came after it.</summary>
internal sealed class ExpectedBlob
{
    private readonly List<int?> _maybe = [];
    private readonly List<(int? Value, DateTimeOffset Replaced)> _stale = [];
    private int? _own;
    private bool _deleteIsPending;

    /// <summary>The last acknowledged value; null: there is no blob.</summary>
    public int? Acknowledged { get; private set; }

    /// <summary>False while a change of unknown outcome came after the last acknowledged one.</summary>
    public bool IsKnown => _maybe.Count == 0;

    public void Acknowledge(int? value)
    {
        Acknowledged = _own = value;
        _maybe.Clear();
        _stale.Clear();
    }

    /// <summary>It is known what there is, and no request is on its way any more.</summary>
    public void Settle(int? value)
    {
        Acknowledge(value);
        _deleteIsPending = false;
    }

    /// <summary>A change ended in an unknown outcome.</summary>
    public void Doubt(int? value)
    {
        _maybe.Add(value);
        _deleteIsPending |= value is null;
    }

    /// <summary>The store may hold a delete for one of unknown outcome, though it said otherwise.</summary>
    public void DeleteMayCome() => _deleteIsPending = true;

    /// <summary>
    /// Somebody else changed it at the origin: what was there may be read for a while. Their delete cannot be told from an own one that
    /// came late: then the own write behind that is made again.
    /// </summary>
    public void ChangedByOthers(int? value, DateTimeOffset now)
    {
        if (value is null && _deleteIsPending && _own is not null) _maybe.Add(_own);
        _stale.Add((Acknowledged, now));
        Acknowledged = value;
    }

    /// <summary>Whether somebody else's change may have gone unseen.</summary>
    public bool MayBeStale(DateTimeOffset now, TimeSpan staleFor) => _stale.Any(s => now - s.Replaced <= staleFor);

    /// <summary>Whether a read may find this that began now.</summary>
    public bool Allows(int? found, DateTimeOffset now, TimeSpan staleFor) =>
        found == Acknowledged || _maybe.Contains(found) || _stale.Any(s => s.Value == found && now - s.Replaced <= staleFor);

    public override string ToString() => $"{Acknowledged?.ToString() ?? "nothing"}{string.Concat(_maybe.Select(m => $", perhaps {m?.ToString() ?? "nothing"}"))}{string.Concat(_stale.Select(s => $", {s.Value?.ToString() ?? "nothing"} replaced at {s.Replaced:HH:mm:ss.fff}"))}";
}
