namespace Strata.Cli;

/// <summary>What to do about a failure of an object store: where credentials come from, and what could not be reached.</summary>
internal static class BucketAdvice
{
    private const string S3Credentials =
        "Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the machine's role; a server that asks nobody for them takes any.";

    private const string AzureCredentials =
        "Credentials come from AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN.";

    /// <summary>A sentence behind the failure's own, with a space before it; empty if there is nothing to add. It holds nothing of the request.</summary>
    public static string For(StorageException failure)
    {
        if (failure.Store is null) return "";
        string cause = CauseOf(failure) is { } why ? $" {why.TrimEnd('.')}." : "";
        if (failure is { Operation: "probe", IsTransient: true }) return cause + " Which conditions the server honours is found out by asking it: with provider=NAME in the address it need not be there when the store opens.";
        if (failure.Kind != StorageErrorKind.AccessDenied) return cause;
        return StoreUrl.SchemeOf(failure.Store ?? "") switch
        {
            "s3" => " " + S3Credentials,
            "azure" => " " + AzureCredentials,
            _ => "",
        };
    }

    /// <summary>Why there is no connection, such as "Connection refused (127.0.0.1:9000)".</summary>
    private static string? CauseOf(StorageException failure)
    {
        for (Exception? e = failure.InnerException; e is not null; e = e.InnerException)
        {
            if (e is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.ProxyTunnelError }) return e.Message;
            if (e is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError }) return (e.InnerException ?? e).Message;
        }

        return null;
    }
}
