using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Strata.Server;

/// <summary>How the tiering API writes JSON, for the server, the command line, and what the latter prints: as the blob API does (<see cref="BlobWire"/>).</summary>
internal static class TieringJson
{
    /// <summary>Keys in any script stay as they are.</summary>
    public static TieringJsonContext Context { get; } = new(new JsonSerializerOptions(TieringJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

/// <summary>Source-generated serialisation of the tiering API.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, UseStringEnumConverter = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, Converters = [typeof(BlobKeyJson)])]
[JsonSerializable(typeof(TieringWire))]
[JsonSerializable(typeof(TierExplanation))]
[JsonSerializable(typeof(IReadOnlyList<TierPin>))]
[JsonSerializable(typeof(TierPin))]
[JsonSerializable(typeof(TierMove))]
[JsonSerializable(typeof(MoveWire))]
[JsonSerializable(typeof(MovedWire))]
[JsonSerializable(typeof(PinWire))]
[JsonSerializable(typeof(UnpinWire))]
[JsonSerializable(typeof(UnpinnedWire))]
[JsonSerializable(typeof(RunWire))]
[JsonSerializable(typeof(BootstrapWire))]
[JsonSerializable(typeof(ClearWire))]
[JsonSerializable(typeof(InvalidateWire))]
[JsonSerializable(typeof(ScrubWire))]
[JsonSerializable(typeof(ExportEndWire))]
[JsonSerializable(typeof(MetadataExport))]
[JsonSerializable(typeof(OperationLine<TieringProgress, TieringReport>))]
[JsonSerializable(typeof(OperationLine<UpkeepProgress, BootstrapResult>))]
[JsonSerializable(typeof(OperationLine<UpkeepProgress, ClearTierResult>))]
[JsonSerializable(typeof(OperationLine<UpkeepProgress, InvalidateResult>))]
[JsonSerializable(typeof(OperationLine<UpkeepProgress, ScrubReport>))]
[JsonSerializable(typeof(OperationLine<UpkeepProgress, MetadataImport>))]
internal sealed partial class TieringJsonContext : JsonSerializerContext;
