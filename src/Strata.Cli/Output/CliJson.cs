using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Strata.Server;

namespace Strata.Cli;

/// <summary>A blob with its store and the tiers that hold it: what put and stat answer.</summary>
internal sealed record BlobLine(string Store, IReadOnlyList<string> Tiers, BlobInfoWire Info);

/// <summary>What get answers.</summary>
internal sealed record ReceivedLine(string Store, string File, long Offset, long Length, BlobInfoWire Info);

/// <summary>A piece of what cat reads.</summary>
internal sealed record PieceLine(long Offset, ReadOnlyMemory<byte> Data);

/// <summary>A folder of a listing.</summary>
internal sealed record PrefixLine(string Prefix);

/// <summary>A store of a listing.</summary>
internal sealed record StoreLine(string Store, IReadOnlyList<TierStatistics> Tiers);

/// <summary>A key that rm dealt with.</summary>
internal sealed record RemovedLine(string Key, DeleteStatus Status, string? Error);

/// <summary>The end of a recursive rm.</summary>
internal sealed record RemovedSummary(long Deleted, long Missing, long Failed);

/// <summary>A file or blob that cp dealt with.</summary>
internal sealed record CopiedLine(string Source, string Target, CopyStatus Status, long Length, string? Error);

/// <summary>The end of a cp.</summary>
internal sealed record CopiedSummary(long Copied, long Equal, long Planned, long Skipped, long Failed, long Bytes, double Seconds);

/// <summary>Something that serve reports.</summary>
internal sealed record ServeLine(
    string Event,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Address = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Data = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Message = null);

/// <summary>A presigned address.</summary>
internal sealed record PresignedLine(Uri Url, string Method, DateTimeOffset Expires);

/// <summary>A completion script.</summary>
internal sealed record ScriptLine(string Shell, string Script);

/// <summary>A failure of the whole command.</summary>
internal sealed record FaultLine(FaultBody Error);

/// <summary>What failed, and the exit code.</summary>
internal sealed record FaultBody(string Message, int ExitCode);

/// <summary>Source-generated serialisation of what <c>--json</c> writes.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true)]
[JsonSerializable(typeof(BlobLine))]
[JsonSerializable(typeof(BlobInfoWire))]
[JsonSerializable(typeof(ReceivedLine))]
[JsonSerializable(typeof(PieceLine))]
[JsonSerializable(typeof(PrefixLine))]
[JsonSerializable(typeof(StoreLine))]
[JsonSerializable(typeof(IReadOnlyList<ServedStoreWire>))]
[JsonSerializable(typeof(RemovedLine))]
[JsonSerializable(typeof(RemovedSummary))]
[JsonSerializable(typeof(CopiedLine))]
[JsonSerializable(typeof(CopiedSummary))]
[JsonSerializable(typeof(ServeLine))]
[JsonSerializable(typeof(PresignedLine))]
[JsonSerializable(typeof(SweepResult))]
[JsonSerializable(typeof(ScriptLine))]
[JsonSerializable(typeof(FaultLine))]
[JsonSerializable(typeof(MovedLine))]
[JsonSerializable(typeof(LogLine))]
[JsonSerializable(typeof(LogEntryLine))]
[JsonSerializable(typeof(LogDamageLine))]
[JsonSerializable(typeof(LogVerifiedLine))]
[JsonSerializable(typeof(LogCompactedLine))]
[JsonSerializable(typeof(LogRepairedLine))]
[JsonSerializable(typeof(KvEntryLine))]
[JsonSerializable(typeof(KvKeyLine))]
[JsonSerializable(typeof(KvDoneLine))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class CliJson : JsonSerializerContext;

/// <summary>How <c>--json</c> writes.</summary>
internal static class JsonLines
{
    /// <summary>Keys in any script are written as they are; the output is no web page.</summary>
    public static CliJson Context { get; } = new(new JsonSerializerOptions(CliJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}

/// <summary>A store as a server lists it.</summary>
internal sealed record ServedStoreWire(string Name, IReadOnlyList<TierStatistics> Tiers);
