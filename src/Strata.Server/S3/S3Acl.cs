using System.Xml;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Strata.Server;

/// <summary>
/// Access control lists as far as tools ask for them: everything belongs to one owner, who may do all of it. Rights are
/// those of the access keys; a list that grants anything to anybody else is refused.
/// </summary>
internal static class S3Acl
{
    private const string FullControl = "FULL_CONTROL";
    private static readonly string[] Grants = ["x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write", "x-amz-grant-write-acp"];

    /// <summary>Refuses headers that would give rights to others.</summary>
    /// <exception cref="S3Exception">NotImplemented.</exception>
    public static void RefuseGrants(IHeaderDictionary headers)
    {
        if (headers.TryGetValue("x-amz-acl", out StringValues acl)) S3ObjectHeaders.RefuseBut("x-amz-acl", acl.ToString(), "private", "bucket-owner-full-control");
        if (Grants.FirstOrDefault(headers.ContainsKey) is { } grant) throw S3Error.NotImplemented($"The header {grant}").AsException();
    }

    public static async Task GetAsync(S3Request request)
    {
        if (!await ExistsAsync(request)) return;
        using var xml = new S3Xml("AccessControlPolicy");
        S3BucketOperations.WriteOwner(xml);
        xml.Open("AccessControlList").Open("Grant");
        xml.Open("Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"");
        xml.Element("ID", S3BucketOperations.Owner).Element("DisplayName", S3BucketOperations.Owner).Close("Grantee");
        xml.Element("Permission", FullControl).Close("Grant").Close("AccessControlList");
        await xml.SendAsync(request.Response);
    }

    /// <summary>Takes what changes nothing: the header, or a list with the owner alone.</summary>
    public static async Task PutAsync(S3Request request)
    {
        RefuseGrants(request.Request.Headers);
        if (!await ExistsAsync(request)) return;
        if (request.Request.Headers.ContainsKey("x-amz-acl")) return;
        bool isOwners = await S3XmlBody.ReadAsync(request, IsOwners);
        if (!isOwners) throw S3Error.NotImplemented("An access control list with anybody but the owner").AsException();
    }

    /// <summary>True if the list that the document holds grants nothing to anybody but the owner.</summary>
    /// <exception cref="XmlException">It is no such document.</exception>
    internal static bool IsOwners(XmlReader reader)
    {
        bool isOwners = true;
        reader.ReadDocument("AccessControlPolicy", name =>
        {
            if (name == "AccessControlList") reader.ReadChildren(_ => reader.ReadChildren(ReadGrant));
            else if (name == "Owner") reader.ReadChildren(_ => reader.ReadElementContentAsString());
            else throw new XmlException();
        });
        return isOwners;

        void ReadGrant(string name)
        {
            if (name == "Permission") isOwners &= reader.ReadElementContentAsString() == FullControl;
            else if (name == "Grantee") reader.ReadChildren(ReadGrantee);
            else throw new XmlException();
        }

        void ReadGrantee(string name)
        {
            string value = reader.ReadElementContentAsString();
            if (name != "DisplayName") isOwners &= name == "ID" && value == S3BucketOperations.Owner;
        }
    }

    private static async ValueTask<bool> ExistsAsync(S3Request request)
    {
        IBlobStore store = request.Store;
        if (request.Target.Key.Length == 0 || await store.StatAsync(S3Request.KeyOf(request.Target.Key), request.Aborted) is not null) return true;
        await request.FailAsync(S3Error.NoSuchKey);
        return false;
    }
}
