using Strata.S3;

namespace Strata.Cli;

/// <summary>Options of an address of S3 that follow from what a command does.</summary>
internal static class BucketOptions
{
    /// <summary>
    /// The address of a store whose conditions nobody uses. What conditions an unknown server honours is found out by writing
    /// small objects: a command that needs none spares that, and so works with credentials that may only read.
    /// </summary>
    public static string WithoutTrying(string address)
    {
        if (StoreUrl.SchemeOf(address) != "s3") return address;
        try
        {
            StoreUrl url = StoreUrl.Parse(address);
            string? endpoint = url.Option("endpoint") ?? S3Urls.EndpointOfEnvironment();
            bool isKnown = url.Option("provider") is not null || !Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? server) || S3Provider.Of(server) is not null;
            return isKnown ? address : $"{address}{(address.Contains('?', StringComparison.Ordinal) ? '&' : '?')}provider={S3Provider.Plain.Name}";
        }
        catch (FormatException)
        {
            // Whoever opens it says what is wrong.
            return address;
        }
    }
}
