using System.Text.Json;
using System.Text.Json.Serialization;

namespace Strata.Benchmarks;

/// <summary>The file that <c>--json</c> names: one object a row.</summary>
internal static partial class JsonReport
{
    public static async Task WriteAsync(string path, IEnumerable<Comparison> rows)
    {
        await using FileStream file = File.Create(path);
        await JsonSerializer.SerializeAsync(file, rows.Select(ToRow).ToArray(), Format.Default.RowArray);
    }

    private static Row ToRow(Comparison row) => new(
        row.Case, row.Metric, row.Unit, Round(row.Ours.Median), Round(row.Peer.Median), row.Peer.Name,
        row.Ratio is { } ratio ? Round(ratio) : null, row.LowerIsBetter ? "lower" : "higher", row.Target, row.Holds);

    private static double Round(double value) => Math.Round(value, 4);

    internal sealed record Row(string Case, string Metric, string Unit, double Ours, double Peer, string PeerName, double? Ratio, string Better, double? Target, bool? Holds);

    [JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(Row[]))]
    internal sealed partial class Format : JsonSerializerContext;
}
