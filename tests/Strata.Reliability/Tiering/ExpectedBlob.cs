namespace Strata.Reliability;

/// <summary>What a read of one key may find: the last acknowledged state, and what of unknown outcome came after it.</summary>
internal sealed class ExpectedBlob
{
    private readonly List<int?> _maybe = [];
    private readonly List<(int? Value, DateTimeOffset Until)> _stale = [];

    /// <summary>The last acknowledged value; null: there is no blob.</summary>
    public int? Acknowledged { get; private set; }

    /// <summary>False while a change of unknown outcome came after the last acknowledged one.</summary>
    public bool IsKnown => _maybe.Count == 0;

    public void Acknowledge(int? value)
    {
        Acknowledged = value;
        _maybe.Clear();
        _stale.Clear();
    }

    /// <summary>A change ended in an unknown outcome.</summary>
    public void Doubt(int? value) => _maybe.Add(value);

    /// <summary>Somebody else changed it at the origin: what was there may be read until then.</summary>
    public void ChangedByOthers(int? value, DateTimeOffset until)
    {
        _stale.Add((Acknowledged, until));
        Acknowledged = value;
    }

    public bool Allows(int? found, DateTimeOffset now) => found == Acknowledged || _maybe.Contains(found) || _stale.Any(s => s.Value == found && now < s.Until);

    public override string ToString() => $"{Acknowledged?.ToString() ?? "nothing"}{string.Concat(_maybe.Select(m => $", perhaps {m?.ToString() ?? "nothing"}"))}{string.Concat(_stale.Select(s => $", {s.Value?.ToString() ?? "nothing"} until {s.Until:HH:mm:ss.fff}"))}";
}
