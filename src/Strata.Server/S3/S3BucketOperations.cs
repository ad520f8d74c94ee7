using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>Buckets are stores: they can be listed and asked for, not made or deleted.</summary>
/// <param name="since">What stands for the buckets' creation date, which no store knows: since when they are served.</param>
internal sealed class S3BucketOperations(DateTimeOffset since)
{
    /// <summary>Whose everything is: the id and the name.</summary>
    public const string Owner = "strata";

    public async Task ListAsync(S3Request request)
    {
        using var xml = new S3Xml("ListAllMyBucketsResult");
        WriteOwner(xml);
        xml.Open("Buckets");
        foreach (string name in request.Served.Stores.Keys.Where(request.Principal.Knows).Order(StringComparer.Ordinal))
            xml.Open("Bucket").Element("Name", name).Element("CreationDate", since).Close("Bucket");
        xml.Close("Buckets");
        await xml.SendAsync(request.Response);
    }

    /// <summary>An empty location means S3's first region, which every client takes.</summary>
    public static async Task LocateAsync(S3Request request)
    {
        _ = request.Store;
        using var xml = new S3Xml("LocationConstraint");
        await xml.SendAsync(request.Response);
    }

    public static Task HeadAsync(S3Request request)
    {
        _ = request.Store;
        request.Response.StatusCode = StatusCodes.Status200OK;
        return Task.CompletedTask;
    }

    public static Task CreateAsync(S3Request request)
    {
        return request.FailAsync(request.Served.Stores.ContainsKey(request.Target.Bucket)
            ? new S3Error(409, "BucketAlreadyOwnedByYou", "The bucket exists already.")
            : S3Error.NotImplemented("Creating a bucket (buckets are the stores of the configuration)"));
    }

    public static Task DeleteAsync(S3Request request)
    {
        _ = request.Store;
        return request.FailAsync(S3Error.NotImplemented("Deleting a bucket (buckets are the stores of the configuration)"));
    }

    public static void WriteOwner(S3Xml xml) => xml.Open("Owner").Element("ID", Owner).Element("DisplayName", Owner).Close("Owner");
}
