// The cluster's executable: a node, or `migrate`, which brings the schema up to date and ends.
return args is ["migrate"] ? await Purser.Silo.Migration.RunAsync() : await Purser.Silo.SiloHost.RunAsync(args);
