using System.Text.Json.Serialization;

namespace Strata.Server;

/// <summary>A move to another tier; without <paramref name="Tier"/> to the next one. A misspelt member is refused, here as in the others: it may be the one that says 'dry run'.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record MoveWire(string Key, string? Tier = null, bool KeepInSource = false);

/// <summary>How a move ended.</summary>
internal sealed record MovedWire(MoveStatus Status);

/// <summary>A pin to be set.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record PinWire(string Key, string Tier);

/// <summary>A pin to be taken away.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record UnpinWire(string Key);

/// <summary>Whether there was a pin.</summary>
internal sealed record UnpinnedWire(bool WasPinned);

/// <summary><see cref="TieringRun"/> as JSON.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record RunWire(long? MaxOperations = null, long? MaxBytes = null, bool DryRun = false, int? MaxListed = null)
{
    public static RunWire From(TieringRun run) => new(run.MaxOperations, run.MaxBytes, run.DryRun, run.MaxListed);

    public TieringRun ToRun() => new() { MaxOperations = MaxOperations, MaxBytes = MaxBytes, DryRun = DryRun, MaxListed = MaxListed ?? new TieringRun().MaxListed };
}

/// <summary>A tier to be filled, and <see cref="BootstrapOptions"/>, as JSON.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record BootstrapWire(
    string Tier, string? From = null, BootstrapOrder By = BootstrapOrder.Score, DateTimeOffset? Since = null, string Prefix = "", int? Limit = null, long? MaxBytes = null, int? Parallelism = null)
{
    public static BootstrapWire Of(string tier, BootstrapOptions options) =>
        new(tier, options.From, options.By, options.Since, options.Prefix, options.Limit, options.MaxBytes, options.Parallelism);

    public BootstrapOptions ToOptions()
    {
        var defaults = new BootstrapOptions();
        return defaults with { From = From, By = By, Since = Since, Prefix = Prefix, Limit = Limit ?? defaults.Limit, MaxBytes = MaxBytes, Parallelism = Parallelism ?? defaults.Parallelism };
    }
}

/// <summary>A tier to be emptied.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record ClearWire(string Tier);

/// <summary>Copies to be dropped: of one key, of all keys that begin with a text, or all of them. One of the three is named.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record InvalidateWire(string? Key = null, string? Prefix = null, bool All = false);

/// <summary><see cref="ScrubOptions"/> as JSON.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record ScrubWire(
    string Prefix = "", string? After = null, long? MaxKeys = null, bool ReadBytes = false, bool ReadOrigin = false, long? BytesPerSecond = null, bool Remake = true, bool DryRun = false)
{
    public static ScrubWire From(ScrubOptions o) => new(o.Prefix, o.After, o.MaxKeys, o.ReadBytes, o.ReadOrigin, o.BytesPerSecond, o.Remake, o.DryRun);

    public ScrubOptions ToOptions() => new()
    {
        Prefix = Prefix,
        After = After,
        MaxKeys = MaxKeys,
        ReadBytes = ReadBytes,
        ReadOrigin = ReadOrigin,
        BytesPerSecond = BytesPerSecond,
        Remake = Remake,
        DryRun = DryRun,
    };
}

/// <summary>The last line of an export of metadata, by which a client knows that it came whole.</summary>
internal sealed record ExportEndWire(long Blobs, long Bytes, string Crc32c, IReadOnlyList<string>? Unlisted = null);
