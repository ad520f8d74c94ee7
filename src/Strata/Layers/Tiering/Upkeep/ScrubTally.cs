namespace Strata;

/// <summary>What a scrub has counted so far.</summary>
internal sealed class ScrubTally
{
    private readonly List<ScrubFinding> _findings = [];
    private readonly long[] _faults = new long[Enum.GetValues<ScrubFault>().Length];
    private readonly long[] _remedies = new long[Enum.GetValues<ScrubRemedy>().Length];

    public long Keys { get; set; }

    public long Copies { get; set; }

    public long Bytes { get; set; }

    public long InDoubt { get; set; }

    public string? Last { get; set; }

    public UpkeepProgress Progress => new(Keys, _remedies.Sum() - _remedies[(int)ScrubRemedy.None], Bytes, Last);

    public void Note(BlobKey? key, string tier, ScrubFault fault, ScrubRemedy remedy, string detail)
    {
        _faults[(int)fault]++;
        _remedies[(int)remedy]++;
        if (_findings.Count < ScrubReport.MaxFindings) _findings.Add(new ScrubFinding(key, tier, fault, remedy, detail));
    }

    public ScrubReport ToReport(string? after) => new()
    {
        Keys = Keys,
        Copies = Copies,
        Bytes = Bytes,
        Stale = _faults[(int)ScrubFault.Stale],
        Orphans = _faults[(int)ScrubFault.Orphan],
        DamagedCopies = _faults[(int)ScrubFault.DamagedCopy],
        DamagedOrigin = _faults[(int)ScrubFault.DamagedOrigin],
        Unreadable = _faults[(int)ScrubFault.Unreadable],
        Dropped = _remedies[(int)ScrubRemedy.Dropped] + _remedies[(int)ScrubRemedy.Remade],
        Remade = _remedies[(int)ScrubRemedy.Remade],
        Repaired = _remedies[(int)ScrubRemedy.Repaired],
        InDoubt = InDoubt,
        Findings = _findings,
        After = after,
    };
}
