namespace Strata.Reliability;

/// <summary>What a read of one key may find: the last acknowledged state, and what of unknown outcome came after it.</summary>
internal sealed class ExpectedBlob
{
    private readonly List<int?> _maybe = [];
    private readonly List<(int? Value, DateTimeOffset Until)> _stale = [];
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

    /// <summary>
    /// Somebody else changed it at the origin: what was there may be read until then. Their delete cannot be told from an own one that
    /// came late: then the own write behind that is made again.
    /// </summary>
    public void ChangedByOthers(int? value, DateTimeOffset until)
    {
        if (value is null && _deleteIsPending && _own is not null) _maybe.Add(_own);
        _stale.Add((Acknowledged, until));
        Acknowledged = value;
    }

    public bool Allows(int? found, DateTimeOffset now) => found == Acknowledged || _maybe.Contains(found) || _stale.Any(s => s.Value == found && now < s.Until);

    public override string ToString() => $"{Acknowledged?.ToString() ?? "nothing"}{string.Concat(_maybe.Select(m => $", perhaps {m?.ToString() ?? "nothing"}"))}{string.Concat(_stale.Select(s => $", {s.Value?.ToString() ?? "nothing"} until {s.Until:HH:mm:ss.fff}"))}";
}
