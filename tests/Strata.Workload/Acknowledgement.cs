using System.Globalization;

namespace Strata.Workload;

/// <summary>What a writer was told, and when: a line of the standard output. Once it is printed, a kill does not take it back.</summary>
/// <param name="Writer">Which one.</param>
/// <param name="Result">What.</param>
/// <param name="Number">Of which step.</param>
/// <param name="At">When: ticks of the clock that all processes of a machine share, and that nobody sets. Of a commit to a KV database: the count of its versionstamp.</param>
internal readonly record struct Acknowledgement(int Writer, StepResult Result, long Number, long At)
{
    private const string Mark = "told";

    /// <summary>What a line says; null if it is another line.</summary>
    public static Acknowledgement? Read(string line)
    {
        string[] parts = line.Split(' ');
        return parts is [Mark, var writer, var result, var number, var at]
            ? new Acknowledgement(int.Parse(writer, CultureInfo.InvariantCulture), Enum.Parse<StepResult>(result), long.Parse(number, CultureInfo.InvariantCulture), long.Parse(at, CultureInfo.InvariantCulture))
            : null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Mark} {Writer} {Result} {Number} {At}");
}
