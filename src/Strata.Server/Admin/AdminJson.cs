using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Strata.Server;

/// <summary>How the dashboard's figures are written as JSON: as the blob API writes its own (<see cref="BlobWire"/>).</summary>
internal static class AdminJson
{
    /// <summary>Keys in any script stay as they are.</summary>
    public static AdminJsonContext Context { get; } = new(new JsonSerializerOptions(AdminJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

/// <summary>Source-generated serialisation of the figures.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, UseStringEnumConverter = true, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(HealthWire))]
[JsonSerializable(typeof(StoreWire[]))]
[JsonSerializable(typeof(TierEventWire[]))]
[JsonSerializable(typeof(UploadsWire))]
[JsonSerializable(typeof(SessionWire))]
[JsonSerializable(typeof(SignInWire))]
internal sealed partial class AdminJsonContext : JsonSerializerContext;

/// <summary>The answer of the health check.</summary>
internal sealed record HealthWire(string Status);
