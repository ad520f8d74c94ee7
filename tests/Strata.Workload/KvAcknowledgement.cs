using System.Globalization;

namespace Strata.Workload;

/// <summary>A commit that a writer of a KV database was told of: a line of the standard output.</summary>
/// <param name="Writer">Which one.</param>
/// <param name="Step">Of which step.</param>
/// <param name="Versionstamp">As what it was committed.</param>
internal readonly record struct KvAcknowledgement(string Writer, long Step, Versionstamp Versionstamp)
{
    private const string Mark = "committed";

    /// <summary>What a line says; null if it is another line.</summary>
    public static KvAcknowledgement? Read(string line) =>
        line.Split(' ') is [Mark, var writer, var step, var stamp] && Strata.Versionstamp.TryParse(stamp, out Versionstamp versionstamp)
            ? new KvAcknowledgement(writer, long.Parse(step, CultureInfo.InvariantCulture), versionstamp)
            : null;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Mark} {Writer} {Step} {Versionstamp}");
}
