using System.Text;
using System.Text.RegularExpressions;

namespace Strata;

/// <summary>What layers must be to be one store.</summary>
internal static partial class FanoutChecks
{
    /// <exception cref="ArgumentException">They cannot be composed; the message names the culprit and the fix.</exception>
    public static void Check(IReadOnlyList<FanoutLayer> read, IReadOnlyList<FanoutLayer> write, FanoutOptions options)
    {
        ArgumentNullException.ThrowIfNull(read);
        ArgumentNullException.ThrowIfNull(write);
        options.Check();
        if (Encoding.UTF8.GetByteCount(options.Name) > 40) throw Wrong("has a name of more than 40 bytes");
        if (read.Count == 0) throw Wrong("has no layer to read");
        if (write.Count == 0) throw Wrong("has no layer to write");
        FanoutLayer[] all = [.. read.Concat(write).Distinct()];
        foreach (FanoutLayer layer in all)
        {
            if (!NamePattern().IsMatch(layer.Name)) throw Wrong($"has a layer '{layer.Name}'; a name takes 1 to 40 letters, digits, '-', '_' and '.'");
            if (all.Count(l => l.Name == layer.Name) > 1) throw Wrong($"has two layers named '{layer.Name}'; names must differ");
            if (all.Count(l => l.Store == layer.Store) > 1) throw Wrong($"has one store as two layers, '{layer.Name}' among them");
        }

        if ((Twice(read) ?? Twice(write)) is { } twice) throw Wrong($"names the layer '{twice}' twice in one list");
        if (read.SkipWhile(write.Contains).FirstOrDefault(write.Contains) is { } late)
            throw Wrong($"reads layers that are not written before '{late.Name}', which is: what they hold would hide later changes. Read '{late.Name}' before them; a cache over a store is a tier (docs/guides/tiers.md)");

        ArgumentException Wrong(string what) => new($"Store '{options.Name}' {what}.");
    }

    private static string? Twice(IEnumerable<FanoutLayer> layers) => layers.GroupBy(layer => layer.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1)?.Key;

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,40}\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}
