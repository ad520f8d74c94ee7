using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Strata.Server;

/// <summary>How the administration of access keys is written as JSON: one place for the server and for the command line, which is its client.</summary>
internal static class AccessWire
{
    /// <summary>Names in any script stay as they are.</summary>
    public static AccessWireContext Context { get; } = new(new JsonSerializerOptions(AccessWireContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}

/// <summary>Source-generated serialisation of it. Names that nobody knows, and missing ones, are refused.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web, UseStringEnumConverter = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(IReadOnlyList<AccessKeyWire>))]
[JsonSerializable(typeof(AccessKeyWire))]
[JsonSerializable(typeof(CreateAccessKeyWire))]
[JsonSerializable(typeof(CreatedAccessKeyWire))]
[JsonSerializable(typeof(RevokedAccessKeyWire))]
internal sealed partial class AccessWireContext : JsonSerializerContext;

/// <summary>An access key as it is listed: never with its secret.</summary>
/// <param name="Id">What requests name.</param>
/// <param name="Name">What people call it; empty for nothing.</param>
/// <param name="Grants">What it may do, in text form.</param>
/// <param name="Created">When it was made; null for one of the configuration.</param>
/// <param name="Configured">True if it stands in the configuration, so that it cannot be revoked here.</param>
internal sealed record AccessKeyWire(string Id, string Name, IReadOnlyList<string> Grants, DateTimeOffset? Created, bool Configured)
{
    public static AccessKeyWire Of(SealedAccessKey key) => new(key.Id, key.Name, key.Grants, key.Created, Configured: false);

    public static AccessKeyWire Of(AccessKey key, bool isConfigured) =>
        new(key.Id, key.Name, [.. key.Grants.Select(g => g.ToString())], isConfigured ? null : key.Created, isConfigured);
}

/// <summary>A key to make.</summary>
internal sealed record CreateAccessKeyWire(IReadOnlyList<string> Grants, string? Id = null, string? Name = null)
{
    private const string IdPrefix = "STRATA", Base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", Alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const int RandomIdLength = 14, SecretLength = 40;

    /// <summary>The key, with a secret of 238 random bits that needs no quotes in a shell or URL.</summary>
    /// <exception cref="ArgumentException">Something is wrong; the message says what it takes.</exception>
    public AccessKey ToKey(DateTimeOffset now)
    {
        string id = Id ?? IdPrefix + RandomNumberGenerator.GetString(Base32, RandomIdLength);
        return AccessKeyRules.Fault(id, Name ?? "", Grants, out IReadOnlyList<AccessGrant> grants) is { } fault
            ? throw new ArgumentException(fault)
            : new AccessKey
            {
                Id = id,
                Name = Name ?? "",
                Grants = grants,
                Secret = RandomNumberGenerator.GetString(Alphanumeric, SecretLength),
                Created = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds()),
                IsKept = true,
            };
    }
}

/// <summary>A key that was made: the only answer that ever holds a secret.</summary>
internal sealed record CreatedAccessKeyWire(string Id, string Secret, string Name, IReadOnlyList<string> Grants, DateTimeOffset Created)
{
    public static CreatedAccessKeyWire Of(AccessKey key) => new(key.Id, key.Secret, key.Name, [.. key.Grants.Select(g => g.ToString())], key.Created);

    /// <summary>Without the secret.</summary>
    public override string ToString() => $"access key {Id}: {string.Join(' ', Grants)}";
}

/// <summary>What the revocation of a key came to; with a message where it was not revoked.</summary>
internal sealed record RevokedAccessKeyWire(string Id, AccessKeyRevocation Status, string? Message = null)
{
    public static RevokedAccessKeyWire Of(string id, AccessKeyRevocation status) => new(id, status, status switch
    {
        AccessKeyRevocation.Missing => $"There is no access key '{id}'.",
        AccessKeyRevocation.Configured => $"The access key '{id}' stands in the configuration (Strata:Access:Keys). Remove it there and start the server again.",
        _ => null,
    });
}
