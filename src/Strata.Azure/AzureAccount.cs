using Azure;
using Azure.Core;
using Azure.Storage;
using Azure.Storage.Blobs;

namespace Strata.Azure;

/// <summary>Where an account is, and by what it is entered.</summary>
/// <param name="Endpoint">Of its blobs.</param>
/// <param name="Key">The account's key; null for none.</param>
/// <param name="Sas">A shared access signature without its <c>?</c>; null for none.</param>
/// <param name="Token">A credential of Microsoft Entra; null for none.</param>
internal sealed record AzureAccount(Uri Endpoint, StorageSharedKeyCredential? Key, string? Sas, TokenCredential? Token)
{
    /// <summary>What every emulator's account is named, and its key, which is no secret.</summary>
    private const string Emulator = "AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1";

    /// <summary>From the options and, where they leave something open, the environment.</summary>
    /// <exception cref="ArgumentException">There is no account, or what there is has another form.</exception>
    public static AzureAccount Of(AzureBlobStoreOptions options, Func<string, string?> environment)
    {
        bool isSet = options.Token is not null || options.AccountKey is not null || options.Sas is not null;
        Dictionary<string, string> parts = Parse(options.ConnectionString ?? (isSet ? null : Set("AZURE_STORAGE_CONNECTION_STRING")));
        bool isNamed = parts.Count > 0;
        string? account = options.Account ?? parts.GetValueOrDefault("AccountName") ?? Set("AZURE_STORAGE_ACCOUNT");
        string? key = options.AccountKey ?? parts.GetValueOrDefault("AccountKey") ?? (isSet || isNamed ? null : Set("AZURE_STORAGE_KEY"));
        string? sas = (options.Sas ?? parts.GetValueOrDefault("SharedAccessSignature") ?? (isSet || isNamed || key is not null ? null : Set("AZURE_STORAGE_SAS_TOKEN")))?.TrimStart('?');
        Uri endpoint = options.Endpoint ?? EndpointOf(parts, account)
            ?? throw new ArgumentException("No storage account is named: give account=NAME or endpoint=https://…, or set AZURE_STORAGE_ACCOUNT or AZURE_STORAGE_CONNECTION_STRING.");
        if (options.Token is not null)
        {
            if (endpoint.Scheme != "https") throw new ArgumentException("A token is sent over https alone.");
            return new AzureAccount(endpoint, null, null, options.Token);
        }

        if (key is null) return new AzureAccount(endpoint, null, sas, null);
        if (account is null) throw new ArgumentException("An account's key needs the account's name: give account=NAME, or set AZURE_STORAGE_ACCOUNT.");
        try
        {
            return new AzureAccount(endpoint, new StorageSharedKeyCredential(account, key), null, null);
        }
        catch (FormatException e)
        {
            throw new ArgumentException("The account's key is no Base64.", e);
        }

        string? Set(string name) => environment(name) is { Length: > 0 } value ? value : null;
    }

    public BlobServiceClient Open(BlobClientOptions options) =>
        Key is not null ? new BlobServiceClient(Endpoint, Key, options)
        : Token is not null ? new BlobServiceClient(Endpoint, Token, options)
        : Sas is not null ? new BlobServiceClient(Endpoint, new AzureSasCredential(Sas), options)
        : new BlobServiceClient(Endpoint, options);

    private static Uri? EndpointOf(Dictionary<string, string> parts, string? account)
    {
        if (parts.TryGetValue("BlobEndpoint", out string? text))
            return Uri.TryCreate(text, UriKind.Absolute, out Uri? given) ? given : throw new ArgumentException("The connection string's BlobEndpoint is no address.");
        string suffix = parts.GetValueOrDefault("EndpointSuffix") ?? "core.windows.net", scheme = parts.GetValueOrDefault("DefaultEndpointsProtocol") ?? "https";
        if (account is null) return null;
        return Uri.TryCreate($"{scheme}://{account}.blob.{suffix}", UriKind.Absolute, out Uri? endpoint) ? endpoint : throw new ArgumentException("The account's name is none.");
    }

    private static Dictionary<string, string> Parse(string? text)
    {
        var parts = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (string part in (text ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] halves = part.Split('=', 2);
            if (halves.Length != 2) throw new ArgumentException("The connection string is none: it is NAME=VALUE;NAME=VALUE.");
            parts[halves[0]] = halves[1];
        }

        return parts.TryGetValue("UseDevelopmentStorage", out string? emulator) && emulator.Equals("true", StringComparison.OrdinalIgnoreCase) ? Parse(Emulator) : parts;
    }

    /// <summary>Without its secrets.</summary>
    public override string ToString() => Endpoint.ToString();
}
