using System.Text.Json.Serialization;

namespace Strata.KvConnect;

/// <summary>What a client asks a server first.</summary>
internal sealed record MetadataRequest(IReadOnlyList<int> SupportedVersions);

/// <summary>What the server answers: exactly these fields, and clients demand each.</summary>
internal sealed record MetadataAnswer(int Version, string? DatabaseId, IReadOnlyList<MetadataEndpoint?>? Endpoints, string? Token, string? ExpiresAt)
{
    /// <summary>What is never told: the token.</summary>
    public override string ToString() => $"metadata of {DatabaseId}";
}

/// <summary>Where reads and writes go.</summary>
/// <param name="Url">Absolute or, from version 2 on, relative to the address that was asked; no slash at its end.</param>
/// <param name="Consistency"><c>strong</c> or <c>eventual</c>.</param>
internal sealed record MetadataEndpoint(string? Url, string? Consistency);

/// <summary>The metadata as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(MetadataRequest))]
[JsonSerializable(typeof(MetadataAnswer))]
internal sealed partial class MetadataJson : JsonSerializerContext;
