namespace Strata.Reliability;

/// <summary>What happened in all sequences, so that a test which no longer makes anything happen is seen.</summary>
internal sealed class TierTally
{
    public int Operations { get; set; }

    public int Reads { get; set; }

    /// <summary>Reads that said themselves that they might be stale.</summary>
    public int Marked { get; set; }

    public int Refused { get; set; }

    public int Unknown { get; set; }

    public int Late { get; set; }

    /// <summary>Writes of which the store said that it could not keep their bytes.</summary>
    public int Unprotected { get; set; }

    public int Lives { get; set; }

    public int PowerCuts { get; set; }

    public int Moved { get; set; }

    public int Flushed { get; set; }

    /// <summary>Dead letters that were replayed or discarded.</summary>
    public int Dead { get; set; }

    public int Rebuilt { get; set; }

    public int Settled { get; set; }

    public override string ToString() =>
        $"{Operations} operations, {Reads} reads compared, {Marked} of them marked as stale, {Refused} refused, {Unknown} of unknown outcome, {Late} that came late, {Unprotected} unprotected, {Lives} lives, {PowerCuts} power cuts, {Moved} moves, {Flushed} flushes, {Dead} dead letters, {Rebuilt} rebuilds, {Settled} times settled";
}
