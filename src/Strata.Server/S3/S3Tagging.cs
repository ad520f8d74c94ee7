using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>GET, PUT and DELETE of an object's tags. They change neither its ETag nor its content.</summary>
internal static class S3Tagging
{
    public static async Task GetAsync(S3Request request)
    {
        BlobInfo? info = await request.Store.StatAsync(S3Request.KeyOf(request.Target.Key), request.Aborted);
        if (info is null)
        {
            await request.FailAsync(S3Error.NoSuchKey);
            return;
        }

        using var xml = new S3Xml("Tagging");
        xml.Open("TagSet");
        foreach ((string key, string value) in S3Tags.Of(info)) xml.Open("Tag").Element("Key", key).Element("Value", value).Close("Tag");
        xml.Close("TagSet");
        await xml.SendAsync(request.Response);
    }

    public static async Task PutAsync(S3Request request)
    {
        string? tags = await S3XmlBody.ReadAsync(request, S3Tags.OfXml);
        await KeepAsync(request, tags, StatusCodes.Status200OK);
    }

    public static Task DeleteAsync(S3Request request) => KeepAsync(request, null, StatusCodes.Status204NoContent);

    private static async Task KeepAsync(S3Request request, string? tags, int status)
    {
        var changes = new BlobChanges { MetadataEdits = new Dictionary<string, string?> { [S3Reserved.Tags] = tags }, KeepsETag = true };
        try
        {
            WriteResult result = await request.Store.UpdateAsync(S3Request.KeyOf(request.Target.Key), changes, default, request.Aborted);
            if (result.Status == WriteStatus.Missing) await request.FailAsync(S3Error.NoSuchKey);
            else request.Response.StatusCode = status;
        }
        catch (ArgumentException)
        {
            // The only limit that the tags alone keep to.
            throw S3Error.MetadataTooLarge("The object's metadata and tags").AsException();
        }
    }
}
