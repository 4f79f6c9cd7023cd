// The cluster's executable.
return await Purser.Silo.SiloHost.RunAsync(args);
