#:package AWSSDK.S3
#:property PublishAot=false

// The AWS SDK against a running server, with its default settings but for the address.
//
//     dotnet run --project src/Strata.Cli -c Release -- serve     (in another terminal)
//     dotnet run samples/s3-client.cs [http://127.0.0.1:9000]

using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

string address = args.Length > 0 ? args[0] : "http://127.0.0.1:9000";

// Path style, because a bucket is a path segment and no host name. On loopback, with no credentials configured, the
// server takes any; the SDK insists on some.
using var client = new AmazonS3Client(new BasicAWSCredentials("any", "any"), new AmazonS3Config
{
    ServiceURL = address,
    ForcePathStyle = true,
    AuthenticationRegion = "us-east-1",
});

string bucket = (await client.ListBucketsAsync()).Buckets[0].BucketName;
Console.WriteLine($"bucket: {bucket}");

var put = new PutObjectRequest { BucketName = bucket, Key = "notes/from-aws.txt", ContentBody = "Hello from the AWS SDK.", ContentType = "text/plain" };
put.Metadata.Add("author", "sample");
Console.WriteLine($"put: ETag {(await client.PutObjectAsync(put)).ETag}");

using (GetObjectResponse got = await client.GetObjectAsync(bucket, put.Key))
using (var reader = new StreamReader(got.ResponseStream))
{
    Console.WriteLine($"got '{await reader.ReadToEndAsync()}' by {got.Metadata["author"]}");
}

ListObjectsV2Response page = await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = bucket, Prefix = "notes/" });
foreach (S3Object item in page.S3Objects ?? []) Console.WriteLine($"{item.Size,9:N0} B  {item.Key}");

await client.DeleteObjectAsync(bucket, put.Key);
Console.WriteLine("deleted");
