using System.Xml;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>Buckets are stores: those of the configuration and, where it allows that, those that clients create and delete.</summary>
/// <param name="since">What stands for the creation date of the configuration's stores: since when they are served.</param>
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
            xml.Open("Bucket").Element("Name", name).Element("CreationDate", request.Served.Catalog?.CreatedAt(name) ?? since).Close("Bucket");
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

    /// <summary>Creates a bucket; where it is to be (LocationConstraint) is read, and there is only one place.</summary>
    public static async Task CreateAsync(S3Request request)
    {
        S3Acl.RefuseGrants(request.Request.Headers);
        if (string.Equals(request.Request.Headers["x-amz-bucket-object-lock-enabled"], "true", StringComparison.OrdinalIgnoreCase))
            throw S3Error.NotImplemented("A bucket with Object Lock").AsException();
        if (request.Request.ContentLength > 0 || request.Request.Headers.ContainsKey("Transfer-Encoding")) await S3XmlBody.ReadAsync(request, ReadConfiguration);
        string name = request.Target.Bucket;
        BucketCreation result = request.Served.Catalog is { } catalog ? await catalog.CreateAsync(name, request.Aborted)
            : request.Served.Stores.ContainsKey(name) ? BucketCreation.Exists : BucketCreation.NotAllowed;
        switch (result)
        {
            case BucketCreation.Created:
                request.Response.Headers.Location = "/" + name;
                request.Response.ContentLength = 0;
                break;
            case BucketCreation.Exists:
                await request.FailAsync(new S3Error(409, "BucketAlreadyOwnedByYou", "The bucket exists already."));
                break;
            case BucketCreation.InvalidName:
                await request.FailAsync(new S3Error(400, "InvalidBucketName", "The specified bucket is not valid: it takes 3 to 63 lower-case letters, digits, '-' and '.', and begins and ends with a letter or digit."));
                break;
            case BucketCreation.TooMany:
                await request.FailAsync(new S3Error(400, "TooManyBuckets", "You have attempted to create more buckets than allowed (Strata:Buckets:Max)."));
                break;
            default:
                await request.FailAsync(S3Error.NotImplemented("Creating a bucket, unless the configuration says so (Strata:Buckets:Create),"));
                break;
        }
    }

    public static async Task DeleteAsync(S3Request request)
    {
        _ = request.Store;
        string name = request.Target.Bucket;
        BucketDeletion result = request.Served.Catalog is { } catalog ? await catalog.DeleteAsync(name, request.Aborted) : BucketDeletion.NotAllowed;
        switch (result)
        {
            case BucketDeletion.Deleted:
                request.Response.StatusCode = StatusCodes.Status204NoContent;
                break;
            case BucketDeletion.Missing:
                throw S3Error.NoSuchBucket(name).AsException();
            case BucketDeletion.NotEmpty:
                await request.FailAsync(new S3Error(409, "BucketNotEmpty", "The bucket you tried to delete is not empty: it has objects, or uploads are under way."));
                break;
            case BucketDeletion.Busy:
                await request.FailAsync(S3Error.OperationAborted("Operations in the bucket are under way and did not come to an end; try again."));
                break;
            default:
                await request.FailAsync(S3Error.NotImplemented("Deleting this bucket (it is a store of the configuration, or Strata:Buckets:Create is off)"));
                break;
        }
    }

    private static bool ReadConfiguration(XmlReader reader)
    {
        reader.ReadDocument("CreateBucketConfiguration", _ => reader.Skip());
        return true;
    }

    public static void WriteOwner(S3Xml xml) => xml.Open("Owner").Element("ID", Owner).Element("DisplayName", Owner).Close("Owner");
}
