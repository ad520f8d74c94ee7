namespace Strata.Reliability;

/// <summary>What happened in all sequences, so that a test which no longer makes anything happen is seen.</summary>
internal sealed class TierTally
{
    public int Operations { get; set; }

    public int Reads { get; set; }

    public int Refused { get; set; }

    public int Unknown { get; set; }

    public int Late { get; set; }

    /// <summary>Writes of which the store said that it could not keep their bytes.</summary>
    public int Unprotected { get; set; }

    public int Lives { get; set; }

    public int Settled { get; set; }

    public override string ToString() =>
        $"{Operations} operations, {Reads} reads compared, {Refused} refused, {Unknown} of unknown outcome, {Late} that came late, {Unprotected} unprotected, {Lives} lives, {Settled} times settled";
}
